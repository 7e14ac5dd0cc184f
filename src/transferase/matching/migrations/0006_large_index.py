from django.db import migrations


class Migration(migrations.Migration):
    """What a large index needs: a way to the few rows that a narrow filter leaves, and rows that hold what is scored.

    The words of a row are read for every candidate, its raw vector only when the means change: the first stays in the
    row, the second gives way. The nodes of the IPC above a code are indexed by expression, so no column repeats them.
    """

    dependencies = [("matching", "0005_editions")]

    operations = [
        migrations.RunSQL(
            """
            ALTER TABLE matching_listingindex ALTER COLUMN raw SET STORAGE EXTERNAL;
            ALTER TABLE matching_listingindex ALTER COLUMN words SET STORAGE MAIN;
            ALTER TABLE matching_listingindex ALTER COLUMN asked SET STORAGE MAIN;

            CREATE FUNCTION matching_ipc_nodes(codes varchar[]) RETURNS text[]
            LANGUAGE sql IMMUTABLE PARALLEL SAFE
            RETURN (SELECT coalesce(array_agg(DISTINCT node), '{}') FROM unnest(codes) AS code,
                LATERAL (VALUES (left(code, 1)), (left(code, 3)), (left(code, 4)), (substring(code FROM '^[^/]+/')))
                    AS above (node) WHERE node IS NOT NULL);

            CREATE INDEX listing_index_ipc ON matching_listingindex USING gin (matching_ipc_nodes(ipc));
            CREATE INDEX listing_index_fields ON matching_listingindex USING gin (fields);
            CREATE INDEX listing_index_country ON matching_listingindex (country, direction);
            CREATE INDEX listing_index_newest ON matching_listingindex (direction, listing_id DESC) WHERE is_lead;
            """,
            """
            DROP INDEX listing_index_ipc, listing_index_fields, listing_index_country, listing_index_newest;
            DROP FUNCTION matching_ipc_nodes(varchar[]);
            ALTER TABLE matching_listingindex ALTER COLUMN raw SET STORAGE PLAIN;
            ALTER TABLE matching_listingindex ALTER COLUMN words SET STORAGE EXTENDED;
            ALTER TABLE matching_listingindex ALTER COLUMN asked SET STORAGE EXTENDED;
            """,
        )
    ]
