from django.db import migrations


class Migration(migrations.Migration):
    """Vectors stand in the row itself: a scan that has to fetch each of them from elsewhere is several times slower."""

    dependencies = [("matching", "0001_initial")]

    operations = [
        migrations.RunSQL(
            """
            ALTER TABLE matching_listingindex ALTER COLUMN raw SET STORAGE PLAIN;
            ALTER TABLE matching_listingindex ALTER COLUMN centred SET STORAGE PLAIN;
            ALTER TABLE matching_sentence ALTER COLUMN raw SET STORAGE PLAIN;
            """,
            """
            ALTER TABLE matching_listingindex ALTER COLUMN raw SET STORAGE EXTERNAL;
            ALTER TABLE matching_listingindex ALTER COLUMN centred SET STORAGE EXTERNAL;
            ALTER TABLE matching_sentence ALTER COLUMN raw SET STORAGE EXTERNAL;
            """,
        )
    ]
