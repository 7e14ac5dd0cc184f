from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CatalogueConfig(AppConfig):
    name = "transferase.catalogue"
    label = "catalogue"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have the code lists that ship in the database after each migration."""
        post_migrate.connect(_load_vocabularies, sender=self, dispatch_uid="catalogue.vocabularies")


def _load_vocabularies(using: str, **_: Any) -> None:
    # Models are not loaded before the app is ready.
    from django.db import connections  # noqa: PLC0415 - app ready

    from transferase.catalogue import services  # noqa: PLC0415 - app ready
    from transferase.catalogue.models import TermLabel  # noqa: PLC0415 - app ready
    from transferase.foundation.ledger import SYSTEM  # noqa: PLC0415 - app ready

    # With a plan that stops before the tables of today there is nothing to fill yet.
    tables = connections[using].introspection.table_names()
    if {TermLabel._meta.db_table, "foundation_ledgerentry"} <= set(tables):
        services.load_vocabularies(actor=SYSTEM)
