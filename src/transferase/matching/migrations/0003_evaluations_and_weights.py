from django.db import migrations, models


class Migration(migrations.Migration):
    """What was measured, and weights that were fitted to judgements."""

    dependencies = [("matching", "0002_storage")]

    operations = [
        migrations.CreateModel(
            name="EvaluationRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("bench", "Bench"), ("matching", "Matching"), ("bitext", "Bitext")], max_length=20
                    ),
                ),
                ("data_set", models.CharField(max_length=120)),
                ("measured_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("engine_version", models.CharField(blank=True, max_length=120)),
                ("model", models.CharField(blank=True, max_length=120)),
                ("means_version", models.CharField(blank=True, max_length=60)),
                ("commit", models.CharField(blank=True, max_length=60)),
                ("figures", models.JSONField()),
                ("machine", models.JSONField(default=dict)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("is_shipped", models.BooleanField(default=False)),
            ],
            options={"indexes": [models.Index(fields=["kind", "-measured_at"], name="evaluation_newest")]},
        ),
        migrations.CreateModel(
            name="WeightsVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.CharField(max_length=40, unique=True)),
                ("base_version", models.CharField(max_length=40)),
                ("parts", models.JSONField()),
                ("figures", models.JSONField()),
                ("proposed_at", models.DateTimeField()),
                ("proposed_by", models.CharField(max_length=60)),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                ("approved_by", models.CharField(blank=True, max_length=60)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(withdrawn_at=None) | models.Q(approved_at__isnull=False),
                        name="weights_in_order",
                    )
                ]
            },
        ),
    ]
