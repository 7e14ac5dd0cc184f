import django.contrib.postgres.fields
import django.utils.timezone
from django.db import migrations, models

import transferase.foundation.ids
import transferase.foundation.languages


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Access",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("because", models.CharField(blank=True, max_length=150)),
            ],
        ),
        migrations.CreateModel(
            name="AccessEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
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
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("because", models.CharField(blank=True, max_length=150)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Classification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "scheme",
                    models.CharField(
                        choices=[
                            ("ipc", "Ipc"),
                            ("cpc", "Cpc"),
                            ("field", "Field"),
                            ("green_bio", "Green Bio"),
                            ("unmapped", "Unmapped"),
                        ],
                        max_length=12,
                    ),
                ),
                ("code", models.CharField(max_length=100)),
                ("is_derived", models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name="Encumbrance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("field", models.CharField(blank=True, max_length=20)),
                ("territory", models.CharField(default="world", max_length=5)),
                ("exclusivity", models.CharField(max_length=30)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("text_reference", models.CharField(blank=True, max_length=150)),
            ],
        ),
        migrations.CreateModel(
            name="EncumbranceEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("field", models.CharField(blank=True, max_length=20)),
                ("territory", models.CharField(default="world", max_length=5)),
                ("exclusivity", models.CharField(max_length=30)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("text_reference", models.CharField(blank=True, max_length=150)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=60)),
                ("placed_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="HoldEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("reason", models.CharField(max_length=60)),
                ("placed_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Listing",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=transferase.foundation.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("direction", models.CharField(choices=[("offer", "Offer"), ("need", "Need")], max_length=5)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("in_review", "In Review"),
                            ("published", "Published"),
                            ("paused", "Paused"),
                            ("withdrawn", "Withdrawn"),
                            ("expired", "Expired"),
                            ("taken", "Taken"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("state_reason", models.CharField(blank=True, max_length=40)),
                ("state_note", models.TextField(blank=True)),
                ("is_anonymous", models.BooleanField(default=False)),
                ("is_sample", models.BooleanField(default=False)),
                (
                    "original_language",
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
                ("country", models.CharField(blank=True, max_length=2)),
                ("trl_low", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("trl_high", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("trl_scale", models.CharField(blank=True, max_length=20)),
                ("trl_evidence", models.TextField(blank=True)),
                (
                    "transfer_modes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
                    ),
                ),
                ("exclusivity", models.CharField(blank=True, max_length=30)),
                (
                    "territory",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=5), blank=True, default=list, size=None
                    ),
                ),
                ("field_of_use", models.CharField(blank=True, max_length=300)),
                (
                    "partner_kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
                    ),
                ),
                ("price_kind", models.CharField(blank=True, max_length=20)),
                ("price_low", models.DecimalField(blank=True, decimal_places=2, max_digits=18, null=True)),
                ("price_high", models.DecimalField(blank=True, decimal_places=2, max_digits=18, null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                (
                    "payment_kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
                    ),
                ),
                ("need_kind", models.CharField(blank=True, max_length=20)),
                ("decision_date", models.DateField(blank=True, null=True)),
                (
                    "excluded_countries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=5), blank=True, default=list, size=None
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("revised_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("published_at", models.DateTimeField(blank=True, null=True)),
                ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                ("visible_until", models.DateTimeField(blank=True, null=True)),
                ("reminded_at", models.DateTimeField(blank=True, null=True)),
                ("version", models.PositiveIntegerField(default=1)),
                ("source", models.CharField(blank=True, max_length=60)),
                ("external_id", models.CharField(blank=True, max_length=200)),
                ("source_url", models.CharField(blank=True, max_length=500)),
                ("attribution", models.CharField(blank=True, max_length=500)),
                ("source_digest", models.CharField(blank=True, max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="ListingText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                        default="public",
                        max_length=12,
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("original", "Original"),
                            ("human", "Human"),
                            ("machine", "Machine"),
                            ("machine_reviewed", "Machine Reviewed"),
                        ],
                        default="original",
                        max_length=20,
                    ),
                ),
                ("title", models.CharField(blank=True, max_length=300)),
                ("summary", models.TextField(blank=True)),
                ("description", models.TextField(blank=True)),
                ("problem", models.TextField(blank=True)),
                ("alternative", models.TextField(blank=True)),
                ("advantages", models.TextField(blank=True)),
                ("partner_sought", models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name="Requirement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("property", models.CharField(max_length=120)),
                ("operator", models.CharField(max_length=2)),
                ("value", models.DecimalField(decimal_places=6, max_digits=20)),
                ("unit", models.CharField(blank=True, max_length=40)),
                ("is_must", models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                ("actor", models.CharField(max_length=100)),
                ("content", models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name="Right",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=30)),
                ("office", models.CharField(blank=True, max_length=5)),
                ("number", models.CharField(blank=True, max_length=60)),
                ("status", models.CharField(blank=True, max_length=20)),
                ("title", models.CharField(blank=True, max_length=500)),
                ("filed_date", models.DateField(blank=True, null=True)),
                ("expiry_date", models.DateField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="RightEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("kind", models.CharField(max_length=30)),
                ("office", models.CharField(blank=True, max_length=5)),
                ("number", models.CharField(blank=True, max_length=60)),
                ("status", models.CharField(blank=True, max_length=20)),
                ("title", models.CharField(blank=True, max_length=500)),
                ("filed_date", models.DateField(blank=True, null=True)),
                ("expiry_date", models.DateField(blank=True, null=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Term",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scheme", models.CharField(max_length=30)),
                ("code", models.CharField(max_length=40)),
                ("parent_code", models.CharField(blank=True, max_length=40)),
                ("position", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="TermLabel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("label", models.TextField()),
            ],
        ),
    ]
