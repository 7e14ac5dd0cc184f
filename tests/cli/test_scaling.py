"""`transferase scale-out`: the SQL that it issues, and what it says where Citus is missing."""

from __future__ import annotations

import json

import pytest
from django.apps import apps
from django.db import connection, models

from transferase.cli import scaling
from transferase.cli.main import run
from transferase.cli.scaling import Standing

DERIVED = ("ListingIndex", "Sentence", "Match", "TermFrequency", "LanguageMean")


@pytest.fixture
def citus(db):
    """Functions and tables of Citus as far as the command asks for them; each call is written down."""
    with connection.cursor() as cursor:
        cursor.execute(
            """CREATE TABLE called (said text, n serial);
            CREATE TABLE pg_dist_node (isactive boolean, shouldhaveshards boolean);
            INSERT INTO pg_dist_node VALUES (true, true), (true, true), (true, false);
            CREATE TABLE pg_dist_partition (logicalrelid oid, partmethod "char");
            CREATE TABLE pg_dist_shard (logicalrelid oid, shardid serial);
            CREATE FUNCTION create_distributed_table(name text, key text, shard_count int DEFAULT 0,
                colocate_with text DEFAULT '') RETURNS void LANGUAGE sql AS $$
                INSERT INTO called (said)
                    VALUES (format('spread %s by %s %s %s', name, key, shard_count, colocate_with));
                INSERT INTO pg_dist_partition VALUES (name::regclass, 'h');
                INSERT INTO pg_dist_shard (logicalrelid) SELECT name::regclass FROM generate_series(1, shard_count) $$;
            CREATE FUNCTION undistribute_table(name text) RETURNS void LANGUAGE sql AS $$
                INSERT INTO called (said) VALUES ('gather ' || name);
                DELETE FROM pg_dist_partition WHERE logicalrelid = name::regclass $$;"""
        )


def called() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT said FROM called ORDER BY n")
        return [row[0] for row in cursor.fetchall()]


def test_without_the_extension_it_says_in_one_sentence_what_is_missing(db, capsys):
    for verb in ("citus", "undo"):
        assert run(["scale-out", verb]) == 1
        said = capsys.readouterr().err.strip()
        assert said.startswith("The extension citus is not active in this database:")
        assert "\n" not in said


def test_status_needs_no_extension(db, capsys):
    assert run(["scale-out", "status", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["citus"] is False
    assert told["replicas"] == []
    assert [row["table"] for row in told["tables"]] == list(scaling.TABLES)
    assert run(["scale-out", "status"]) == 0
    assert "stand on this server" in capsys.readouterr().out


def test_each_table_is_spread_by_the_listing_and_sentences_stand_with_the_index():
    alone = "shard_count => 16, colocate_with => 'none'"
    assert scaling.to_distribute(Standing(has_citus=True, workers=2), shards=16) == [
        f"SELECT create_distributed_table('matching_listingindex', 'listing_id', {alone})",
        "SELECT create_distributed_table('matching_sentence', 'listing_id', colocate_with => 'matching_listingindex')",
        f"SELECT create_distributed_table('matching_match', 'need_id', {alone})",
    ]


def test_what_is_spread_is_left_and_gathered_in_the_other_order():
    half = Standing(has_citus=True, workers=2, shards={"matching_listingindex": 8, "matching_sentence": 8})
    assert [statement.split("'")[1] for statement in scaling.to_distribute(half)] == ["matching_match"]
    assert scaling.to_undo(half) == [
        "SELECT undistribute_table('matching_sentence')",
        "SELECT undistribute_table('matching_listingindex')",
    ]
    assert scaling.to_undo(Standing(has_citus=True)) == []


def test_the_statements_run_once_and_show_in_the_standing(citus, monkeypatch):
    # The server cannot have the extension: only whether it is there is answered for it.
    monkeypatch.setattr(scaling, "HAS_CITUS", "SELECT true")
    assert scaling.standing() == Standing(has_citus=True, workers=2, shards={})
    assert scaling.distribute(shards=4, is_dry=True)
    assert called() == []
    scaling.distribute(shards=4)
    assert called() == [
        "spread matching_listingindex by listing_id 4 none",
        "spread matching_sentence by listing_id 0 matching_listingindex",
        "spread matching_match by need_id 4 none",
    ]
    assert scaling.standing().spread["matching_listingindex"] == 4
    assert scaling.distribute(shards=4) == []
    assert len(scaling.undo()) == 3
    assert scaling.standing().spread == {}


def test_without_workers_nothing_is_spread(citus, monkeypatch):
    monkeypatch.setattr(scaling, "HAS_CITUS", "SELECT true")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM pg_dist_node")
    with pytest.raises(scaling.Unable, match="Citus knows no worker"):
        scaling.distribute()
    assert called() == []


@pytest.mark.parametrize("name", DERIVED)
def test_derived_tables_can_be_distributed(name, db):
    model = apps.get_model("matching", name)
    table = model._meta.db_table
    if table in scaling.TABLES:
        assert model._meta.pk_fields[0].column == scaling.TABLES[table]
    assert not any(isinstance(field, models.AutoField) for field in model._meta.concrete_fields)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_attribute WHERE attrelid = %s::regclass AND attidentity <> ''", [table])
        assert cursor.fetchone()[0] == 0
        cursor.execute("SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'", [table])
        assert cursor.fetchall() == []
        cursor.execute("SELECT conname FROM pg_constraint WHERE confrelid = %s::regclass AND contype = 'f'", [table])
        assert cursor.fetchall() == []
        cursor.execute(
            """SELECT array_agg(a.attname ORDER BY k.place) FROM pg_index i
            CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            WHERE i.indrelid = %s::regclass AND i.indisunique GROUP BY i.indexrelid""",
            [table],
        )
        unique = [columns for (columns,) in cursor.fetchall()]
        assert unique
        if table in scaling.TABLES:
            assert all(scaling.TABLES[table] in columns for columns in unique)
