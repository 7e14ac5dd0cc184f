import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.utils.timezone
import pgvector.django.halfvec
import pgvector.django.indexes
import pgvector.django.sparsevec
from django.conf import settings
from django.db import migrations, models

import transferase.foundation.languages


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalogue", "0001_initial"),
        ("directory", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LanguageMean",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "language", "role", "version", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("language", models.CharField(max_length=10)),
                ("role", models.CharField(max_length=10)),
                ("version", models.PositiveIntegerField()),
                ("model_version", models.CharField(max_length=80)),
                ("texts", models.PositiveIntegerField()),
                ("average_length", models.FloatField()),
                ("vector", pgvector.django.halfvec.HalfVectorField(dimensions=384)),
            ],
        ),
        migrations.CreateModel(
            name="Sentence",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "listing",
                        "language",
                        "tier",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        choices=[
                            (
                                transferase.foundation.languages.Language["KO"],
                                transferase.foundation.languages.Language["KO"],
                            ),
                            (
                                transferase.foundation.languages.Language["ZH"],
                                transferase.foundation.languages.Language["ZH"],
                            ),
                            (
                                transferase.foundation.languages.Language["EN"],
                                transferase.foundation.languages.Language["EN"],
                            ),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "tier",
                    models.CharField(
                        choices=[
                            ("public", "Public"),
                            ("registered", "Registered"),
                            ("introduced", "Introduced"),
                            ("nda", "Nda"),
                        ],
                        max_length=12,
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("field", models.CharField(max_length=20)),
                ("start", models.PositiveIntegerField()),
                ("end", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=16)),
                ("raw", pgvector.django.halfvec.HalfVectorField(dimensions=384)),
                ("model_version", models.CharField(max_length=80)),
                (
                    "listing",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="catalogue.listing",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TermFrequency",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "direction", "language", "term", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("direction", models.CharField(choices=[("offer", "Offer"), ("need", "Need")], max_length=5)),
                ("language", models.CharField(max_length=10)),
                ("term", models.CharField(max_length=200)),
                ("listings", models.BigIntegerField()),
                ("length", models.BigIntegerField(default=0)),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["term"], name="term_frequency_trigrams", opclasses=["gin_trgm_ops"]
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Judgement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "verdict",
                    models.CharField(
                        choices=[("interesting", "Interesting"), ("known", "Known"), ("not_for_us", "Not For Us")],
                        max_length=20,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=40)),
                ("note", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                ("snapshot", models.JSONField(default=dict)),
                ("engine_version", models.CharField(blank=True, max_length=120)),
                (
                    "need",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="catalogue.listing"
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="catalogue.listing"
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="directory.organisation"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("withdrawn_at", None)),
                        fields=("need", "offer", "organisation"),
                        name="judgement_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("verdict", "not_for_us"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="judgement_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ListingIndex",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "listing",
                        "language",
                        "tier",
                        "part",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        choices=[
                            (
                                transferase.foundation.languages.Language["KO"],
                                transferase.foundation.languages.Language["KO"],
                            ),
                            (
                                transferase.foundation.languages.Language["ZH"],
                                transferase.foundation.languages.Language["ZH"],
                            ),
                            (
                                transferase.foundation.languages.Language["EN"],
                                transferase.foundation.languages.Language["EN"],
                            ),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "tier",
                    models.CharField(
                        choices=[
                            ("public", "Public"),
                            ("registered", "Registered"),
                            ("introduced", "Introduced"),
                            ("nda", "Nda"),
                        ],
                        max_length=12,
                    ),
                ),
                ("part", models.PositiveSmallIntegerField()),
                ("direction", models.CharField(choices=[("offer", "Offer"), ("need", "Need")], max_length=5)),
                ("is_machine_made", models.BooleanField(default=False)),
                ("is_lead", models.BooleanField(default=False)),
                ("is_quotable", models.BooleanField(default=False)),
                ("listing_version", models.PositiveIntegerField(default=1)),
                ("original_language", models.CharField(max_length=10)),
                ("owner_id", models.BigIntegerField()),
                ("is_anonymous", models.BooleanField(default=False)),
                ("country", models.CharField(blank=True, max_length=2)),
                ("is_open", models.BooleanField(default=False)),
                ("visible_until", models.DateTimeField(null=True)),
                ("trl_low", models.PositiveSmallIntegerField(null=True)),
                ("trl_high", models.PositiveSmallIntegerField(null=True)),
                (
                    "transfer_modes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), default=list, size=None
                    ),
                ),
                (
                    "ipc",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), default=list, size=None
                    ),
                ),
                (
                    "fields",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=12), default=list, size=None
                    ),
                ),
                ("lexemes", django.contrib.postgres.search.SearchVectorField()),
                ("words", pgvector.django.sparsevec.SparseVectorField(dimensions=1000000000)),
                ("asked", pgvector.django.sparsevec.SparseVectorField(dimensions=1000000000, null=True)),
                ("attainable", models.FloatField(default=0)),
                ("length", models.PositiveIntegerField()),
                ("raw", pgvector.django.halfvec.HalfVectorField(dimensions=384, null=True)),
                ("centred", pgvector.django.halfvec.HalfVectorField(dimensions=384, null=True)),
                ("model_version", models.CharField(blank=True, max_length=80)),
                ("means_version", models.PositiveIntegerField(default=0)),
                ("text_digest", models.CharField(max_length=64)),
                (
                    "listing",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="catalogue.listing",
                    ),
                ),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(fields=["lexemes"], name="listing_index_lexemes"),
                    pgvector.django.indexes.HnswIndex(
                        condition=models.Q(("direction", "offer")),
                        ef_construction=64,
                        fields=["centred"],
                        m=16,
                        name="listing_index_offers",
                        opclasses=["halfvec_ip_ops"],
                    ),
                    pgvector.django.indexes.HnswIndex(
                        condition=models.Q(("direction", "need")),
                        ef_construction=64,
                        fields=["centred"],
                        m=16,
                        name="listing_index_needs",
                        opclasses=["halfvec_ip_ops"],
                    ),
                    models.Index(fields=["owner_id"], name="listing_index_owner"),
                    models.Index(
                        condition=models.Q(("is_lead", True)), fields=["direction"], name="listing_index_lead"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Match",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "need", "offer", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("score", models.FloatField()),
                ("parts", models.JSONField(default=list)),
                ("because", models.JSONField(default=list)),
                ("misfits", models.JSONField(default=list)),
                ("missing", models.JSONField(default=list)),
                (
                    "excluded_by",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), default=list, size=None
                    ),
                ),
                ("engine_version", models.CharField(max_length=120)),
                ("found_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("is_told", models.BooleanField(default=False)),
                (
                    "need",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="catalogue.listing",
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="catalogue.listing",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["need", "-score"], name="match_need_score"),
                    models.Index(fields=["offer", "-score"], name="match_offer_score"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=30)),
                ("at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(blank=True, null=True)),
                (
                    "counterpart",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="catalogue.listing"
                    ),
                ),
                (
                    "listing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="catalogue.listing"
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="directory.organisation"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organisation", "-at"], name="notice_newest")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "kind", "listing", "counterpart"), name="notice_once"
                    )
                ],
            },
        ),
    ]
