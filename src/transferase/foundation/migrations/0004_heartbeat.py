from django.db import migrations


class Migration(migrations.Migration):
    """The one row that is renewed on the primary and read on replicas, to tell how far they are behind."""

    dependencies = [("foundation", "0003_what_was_typed")]

    operations = [
        migrations.RunSQL(
            """
            CREATE TABLE foundation_heartbeat (
                id boolean PRIMARY KEY CHECK (id),
                at timestamptz NOT NULL
            );
            """,
            "DROP TABLE foundation_heartbeat",
        )
    ]
