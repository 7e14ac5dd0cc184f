import django.db.models.deletion
import django.utils.timezone
import transferase.foundation.languages
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalogue", "0002_initial"),
        ("directory", "0001_initial"),
        ("matching", "0003_evaluations_and_weights"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Digest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period", models.DateField()),
                ("message_id", models.CharField(max_length=200, unique=True)),
                ("contents", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("claimed", "Claimed"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("unsure", "Unsure"),
                            ("empty", "Empty"),
                            ("given_up", "Given Up"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("written_at", models.DateTimeField()),
                ("try_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("trouble", models.CharField(blank=True, max_length=100)),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ListingDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "listing", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField()),
                ("found", models.PositiveIntegerField(default=0)),
                ("opened", models.PositiveIntegerField(default=0)),
                (
                    "listing",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="catalogue.listing",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SavedSearch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("text", models.TextField(blank=True)),
                (
                    "direction",
                    models.CharField(blank=True, choices=[("offer", "Offer"), ("need", "Need")], max_length=5),
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
                ("filters", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("looked_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rhythm",
                    models.CharField(
                        choices=[("off", "Off"), ("daily", "Daily"), ("weekly", "Weekly")], default="off", max_length=10
                    ),
                ),
                ("most_items", models.PositiveSmallIntegerField(default=10)),
                ("most_letters", models.PositiveSmallIntegerField(default=7)),
                ("since", models.DateTimeField()),
                ("looked_for", models.DateField(blank=True, null=True)),
                ("refused", models.PositiveSmallIntegerField(default=0)),
                ("is_returned", models.BooleanField(default=False)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("rhythm", "off"), _negated=True),
                        fields=["rhythm", "looked_for"],
                        name="subscription_running",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("most_items__gte", 1), ("most_letters__gte", 1), ("most_letters__lte", 7)),
                        name="subscription_caps",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Told",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=120)),
                ("at", models.DateTimeField()),
                (
                    "digest",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="told", to="matching.digest"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="digest",
            index=models.Index(
                condition=models.Q(("state__in", ("waiting", "claimed", "sending"))),
                fields=["state", "try_at"],
                name="digest_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="digest",
            constraint=models.UniqueConstraint(fields=("person", "period"), name="digest_once"),
        ),
        migrations.AddConstraint(
            model_name="savedsearch",
            constraint=models.UniqueConstraint(fields=("person", "name"), name="saved_search_name"),
        ),
        migrations.AddConstraint(
            model_name="told",
            constraint=models.UniqueConstraint(fields=("person", "key"), name="told_once"),
        ),
    ]
