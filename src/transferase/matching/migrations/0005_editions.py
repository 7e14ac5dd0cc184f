from django.db import migrations, models
from pgvector.django import HalfVectorField


class Migration(migrations.Migration):
    """Editions of the index; the length of vectors is that of the model, so the models do not state it any more.

    The tables keep the length that they were made with: a vector index needs one.
    """

    dependencies = [("matching", "0004_following")]

    operations = [
        migrations.CreateModel(
            name="Edition",
            fields=[
                ("number", models.PositiveIntegerField(primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(choices=[("running", "Running"), ("building", "Building")], max_length=10),
                ),
                ("model_version", models.CharField(max_length=80)),
                ("model", models.CharField(blank=True, max_length=400)),
                ("dimension", models.PositiveIntegerField()),
                ("means_version", models.PositiveIntegerField(default=0)),
                ("words_version", models.CharField(blank=True, max_length=80)),
                ("listings", models.PositiveIntegerField(default=0)),
                ("trouble", models.CharField(blank=True, max_length=400)),
                ("started_at", models.DateTimeField()),
                ("switched_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("state",), name="edition_state_once")],
            },
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField("listingindex", "raw", HalfVectorField(null=True)),
                migrations.AlterField("listingindex", "centred", HalfVectorField(null=True)),
                migrations.AlterField("sentence", "raw", HalfVectorField()),
            ]
        ),
        migrations.AlterField("languagemean", "vector", HalfVectorField()),
        migrations.AddField("languagemean", "vectors", models.PositiveIntegerField(default=0)),
        migrations.AddIndex("listingindex", models.Index(fields=["text_digest"], name="listing_index_digest")),
        migrations.AddIndex("sentence", models.Index(fields=["digest"], name="sentence_digest")),
        migrations.RunSQL(
            """
            UPDATE matching_languagemean SET vectors = texts;
            INSERT INTO matching_edition (number, state, model_version, model, dimension, means_version,
                                          words_version, listings, trouble, started_at, switched_at)
            SELECT 1, 'running', max(model_version), '', 384, max(means_version), '', 0, '', now(), now()
            FROM matching_listingindex WHERE model_version <> '' HAVING count(*) > 0;
            """,
            migrations.RunSQL.noop,
        ),
    ]
