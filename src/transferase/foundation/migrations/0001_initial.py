import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import (
    BtreeGistExtension,
    TrigramExtension,
    UnaccentExtension,
)
from django.db import migrations, models
from pgvector.django import VectorExtension


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        VectorExtension(),
        TrigramExtension(),
        UnaccentExtension(),
        BtreeGistExtension(),
        migrations.CreateModel(
            name="LedgerSeal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("previous", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("actor", models.CharField(max_length=100)),
                ("action", models.CharField(max_length=100)),
                ("subject", models.CharField(max_length=150)),
                ("facts", models.JSONField(default=dict)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["subject", "id"], name="ledger_subject"),
                    models.Index(fields=["actor", "id"], name="ledger_actor"),
                    models.Index(fields=["action", "id"], name="ledger_action"),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="58b45473f6fff2de47d871986ea27f71545dc8cf",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_4b32d",
                    table="foundation_ledgerentry",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="ledgerseal",
            name="entry",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="seal", to="foundation.ledgerentry"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgerseal",
            trigger=pgtrigger.compiler.Trigger(
                name="seal_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="2da0bad7af1ea34c6b2b683df270f2a460bddd34",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_seal_append_only_2a846",
                    table="foundation_ledgerseal",
                    when="BEFORE",
                ),
            ),
        ),
    ]
