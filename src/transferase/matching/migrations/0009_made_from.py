from django.db import migrations, models


class Migration(migrations.Migration):
    """What the reasons of a match were made from, so that a full rematch asks only for those that may be others."""

    dependencies = [("matching", "0008_denser_vector_index")]

    operations = [
        migrations.AddField("match", "made_from", models.CharField(blank=True, default="", max_length=32), preserve_default=False),
    ]
