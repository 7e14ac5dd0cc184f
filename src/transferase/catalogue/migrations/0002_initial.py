import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalogue", "0001_initial"),
        ("directory", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="access",
            name="organisation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="directory.organisation"
            ),
        ),
        migrations.AddField(
            model_name="accessevent",
            name="organisation",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="directory.organisation",
            ),
        ),
        migrations.AddField(
            model_name="accessevent",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="accessevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="events",
                to="catalogue.access",
            ),
        ),
        migrations.AddField(
            model_name="encumbranceevent",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="encumbranceevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="events",
                to="catalogue.encumbrance",
            ),
        ),
        migrations.AddField(
            model_name="holdevent",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="holdevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="events",
                to="catalogue.hold",
            ),
        ),
        migrations.AddField(
            model_name="listing",
            name="contact",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="listing",
            name="owner",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="listings",
                to="directory.organisation",
            ),
        ),
        migrations.AddField(
            model_name="holdevent",
            name="listing",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalogue.listing",
            ),
        ),
        migrations.AddField(
            model_name="hold",
            name="listing",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="holds", to="catalogue.listing"
            ),
        ),
        migrations.AddField(
            model_name="encumbranceevent",
            name="listing",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalogue.listing",
            ),
        ),
        migrations.AddField(
            model_name="encumbrance",
            name="listing",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="encumbrances", to="catalogue.listing"
            ),
        ),
        migrations.AddField(
            model_name="classification",
            name="listing",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="classifications",
                to="catalogue.listing",
            ),
        ),
        migrations.AddField(
            model_name="accessevent",
            name="listing",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalogue.listing",
            ),
        ),
        migrations.AddField(
            model_name="access",
            name="listing",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="accesses",
                to="catalogue.listing",
            ),
        ),
        migrations.AddField(
            model_name="listingtext",
            name="listing",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="texts",
                to="catalogue.listing",
            ),
        ),
        migrations.AddField(
            model_name="requirement",
            name="listing",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="requirements", to="catalogue.listing"
            ),
        ),
        migrations.AddField(
            model_name="revision",
            name="listing",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="revisions",
                to="catalogue.listing",
            ),
        ),
        migrations.AddField(
            model_name="right",
            name="listing",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="rights", to="catalogue.listing"
            ),
        ),
        migrations.AddField(
            model_name="rightevent",
            name="listing",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalogue.listing",
            ),
        ),
        migrations.AddField(
            model_name="rightevent",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="rightevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="events",
                to="catalogue.right",
            ),
        ),
        migrations.AddIndex(
            model_name="term",
            index=models.Index(fields=["scheme", "parent_code"], name="term_parent"),
        ),
        migrations.AddConstraint(
            model_name="term",
            constraint=models.UniqueConstraint(fields=("scheme", "code"), name="term_code"),
        ),
        migrations.AddField(
            model_name="termlabel",
            name="term",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="labels", to="catalogue.term"
            ),
        ),
        migrations.AddIndex(
            model_name="listing",
            index=models.Index(fields=["owner", "state"], name="listing_owner_state"),
        ),
        migrations.AddIndex(
            model_name="listing",
            index=models.Index(fields=["state", "visible_until"], name="listing_state_until"),
        ),
        migrations.AddIndex(
            model_name="listing",
            index=models.Index(fields=["direction", "-published_at"], name="listing_newest"),
        ),
        migrations.AddConstraint(
            model_name="listing",
            constraint=models.UniqueConstraint(
                condition=models.Q(("external_id", ""), _negated=True),
                fields=("source", "external_id"),
                name="listing_source",
            ),
        ),
        migrations.AddConstraint(
            model_name="listing",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("trl_high", None), ("trl_low", None)),
                    models.Q(
                        ("trl_high__isnull", False),
                        ("trl_high__lte", 9),
                        ("trl_low__gte", 1),
                        ("trl_low__isnull", False),
                        ("trl_low__lte", models.F("trl_high")),
                    ),
                    _connector="OR",
                ),
                name="listing_trl",
            ),
        ),
        migrations.AddConstraint(
            model_name="listing",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "published"), _negated=True),
                    models.Q(("confirmed_at__isnull", False), ("visible_until__isnull", False)),
                    _connector="OR",
                ),
                name="listing_published_until",
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lifted_at", None)), fields=("listing", "reason"), name="hold_once"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="hold",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "catalogue_holdevent" ("id", "lifted_at", "listing_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "placed_at", "reason") VALUES (NEW."id", NEW."lifted_at", NEW."listing_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."placed_at", NEW."reason"); RETURN NULL;',
                    hash="a716745a394e567be1ee231ebe3947afa5b90eab",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_347a3",
                    table="catalogue_hold",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="hold",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "catalogue_holdevent" ("id", "lifted_at", "listing_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "placed_at", "reason") VALUES (NEW."id", NEW."lifted_at", NEW."listing_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."placed_at", NEW."reason"); RETURN NULL;',
                    hash="f0f43dae2a2dfdf7e69a922737c8f38c9dca4d0b",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_c0205",
                    table="catalogue_hold",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="hold",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "catalogue_holdevent" ("id", "lifted_at", "listing_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "placed_at", "reason") VALUES (OLD."id", OLD."lifted_at", OLD."listing_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."placed_at", OLD."reason"); RETURN NULL;',
                    hash="8b50c3702d3fc96ff6771eade70789c4ff4fdca4",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_b82de",
                    table="catalogue_hold",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="encumbrance",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "catalogue_encumbranceevent" ("ends_at", "exclusivity", "field", "id", "listing_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "starts_at", "territory", "text_reference") VALUES (NEW."ends_at", NEW."exclusivity", NEW."field", NEW."id", NEW."listing_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."starts_at", NEW."territory", NEW."text_reference"); RETURN NULL;',
                    hash="d0c4ad3d0197b8560c475720d44ff4b8404f92bc",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_2ac3c",
                    table="catalogue_encumbrance",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="encumbrance",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "catalogue_encumbranceevent" ("ends_at", "exclusivity", "field", "id", "listing_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "starts_at", "territory", "text_reference") VALUES (NEW."ends_at", NEW."exclusivity", NEW."field", NEW."id", NEW."listing_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."starts_at", NEW."territory", NEW."text_reference"); RETURN NULL;',
                    hash="9acb98802498ab6b00c7cabba2fb90e21972aed3",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_a8f95",
                    table="catalogue_encumbrance",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="encumbrance",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "catalogue_encumbranceevent" ("ends_at", "exclusivity", "field", "id", "listing_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "starts_at", "territory", "text_reference") VALUES (OLD."ends_at", OLD."exclusivity", OLD."field", OLD."id", OLD."listing_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."starts_at", OLD."territory", OLD."text_reference"); RETURN NULL;',
                    hash="9a89c16a8b9ce54030e10606c6eba6709d838641",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_7378a",
                    table="catalogue_encumbrance",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="classification",
            index=models.Index(fields=["scheme", "code"], name="classification_code"),
        ),
        migrations.AddConstraint(
            model_name="classification",
            constraint=models.UniqueConstraint(fields=("listing", "scheme", "code"), name="classification_once"),
        ),
        migrations.AddIndex(
            model_name="access",
            index=models.Index(fields=["listing", "organisation", "tier"], name="access_who"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="access",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "catalogue_accessevent" ("because", "ends_at", "id", "listing_id", "organisation_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "starts_at", "tier") VALUES (NEW."because", NEW."ends_at", NEW."id", NEW."listing_id", NEW."organisation_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."starts_at", NEW."tier"); RETURN NULL;',
                    hash="0cb75a47fbedb7e1d6966164cbdf1e47973676ec",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_b3d6f",
                    table="catalogue_access",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="access",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "catalogue_accessevent" ("because", "ends_at", "id", "listing_id", "organisation_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "starts_at", "tier") VALUES (NEW."because", NEW."ends_at", NEW."id", NEW."listing_id", NEW."organisation_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."starts_at", NEW."tier"); RETURN NULL;',
                    hash="1ba851922d9115d22fa4c8ff4cea0e2200b2f068",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_1a7fe",
                    table="catalogue_access",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="access",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "catalogue_accessevent" ("because", "ends_at", "id", "listing_id", "organisation_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "starts_at", "tier") VALUES (OLD."because", OLD."ends_at", OLD."id", OLD."listing_id", OLD."organisation_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."starts_at", OLD."tier"); RETURN NULL;',
                    hash="04314bb694922d1dd9895870dd7b0538b5bba4b9",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_ebec6",
                    table="catalogue_access",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="listingtext",
            constraint=models.UniqueConstraint(
                fields=("listing", "language", "tier"), name="listing_text_language_tier"
            ),
        ),
        migrations.AddConstraint(
            model_name="revision",
            constraint=models.UniqueConstraint(fields=("listing", "version"), name="revision_version"),
        ),
        migrations.AddIndex(
            model_name="right",
            index=models.Index(fields=["office", "number"], name="right_number"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="right",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "catalogue_rightevent" ("expiry_date", "filed_date", "id", "kind", "listing_id", "number", "office", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "title") VALUES (NEW."expiry_date", NEW."filed_date", NEW."id", NEW."kind", NEW."listing_id", NEW."number", NEW."office", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."status", NEW."title"); RETURN NULL;',
                    hash="e0023edd362bc1500b4dd674c6fc9c9ce0f9da28",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_2a9e6",
                    table="catalogue_right",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="right",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "catalogue_rightevent" ("expiry_date", "filed_date", "id", "kind", "listing_id", "number", "office", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "title") VALUES (NEW."expiry_date", NEW."filed_date", NEW."id", NEW."kind", NEW."listing_id", NEW."number", NEW."office", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."status", NEW."title"); RETURN NULL;',
                    hash="cd1d92b694a918602189e0d83b511f4c953f6a3c",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_d8b54",
                    table="catalogue_right",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="right",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "catalogue_rightevent" ("expiry_date", "filed_date", "id", "kind", "listing_id", "number", "office", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "title") VALUES (OLD."expiry_date", OLD."filed_date", OLD."id", OLD."kind", OLD."listing_id", OLD."number", OLD."office", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."status", OLD."title"); RETURN NULL;',
                    hash="6d7daaa50b68239c4bfd276d577a0f7c78e85e9c",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_dd335",
                    table="catalogue_right",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="termlabel",
            constraint=models.UniqueConstraint(fields=("term", "language"), name="term_label_language"),
        ),
    ]
