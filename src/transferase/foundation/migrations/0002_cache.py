from django.db import migrations


class Migration(migrations.Migration):
    """The table of the cache; losing it in a crash costs nothing, so it is not logged."""

    dependencies = [("foundation", "0001_initial")]

    operations = [
        migrations.RunSQL(
            """
            CREATE UNLOGGED TABLE foundation_cache (
                cache_key varchar(255) PRIMARY KEY,
                value text NOT NULL,
                expires timestamptz NOT NULL
            );
            CREATE INDEX foundation_cache_expires ON foundation_cache (expires);
            """,
            "DROP TABLE foundation_cache",
        )
    ]
