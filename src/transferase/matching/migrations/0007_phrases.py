from django.db import migrations, models
from pgvector.django import SparseVectorField


class Migration(migrations.Migration):
    """Phrases, which weigh pairs beside their words, and the words of needs in other languages.

    Rows are made anew for them in an edition of their own, as always when the way to weigh words changes.
    """

    dependencies = [("matching", "0006_large_index")]

    operations = [
        migrations.AddField("listingindex", "phrases", SparseVectorField(dimensions=1_000_000_000, null=True)),
        migrations.AddField("listingindex", "crossed", models.JSONField(null=True)),
    ]
