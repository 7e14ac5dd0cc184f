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


def _load_vocabularies(using: str, apps: Any = None, **_: Any) -> None:
    # Emptying a database sends the signal without apps. With a plan that stops before the tables of today there is nothing to fill yet.
    from transferase.catalogue.models import TermLabel  # noqa: PLC0415 - app ready: models are not loaded before

    try:
        if apps is not None:
            apps.get_model("catalogue", "TermLabel")
    except LookupError:
        return
    from django.db import connections  # noqa: PLC0415 - app ready

    tables = connections[using].introspection.table_names()
    if TermLabel._meta.db_table not in tables or "foundation_ledgerentry" not in tables:
        return
    from transferase.catalogue import services  # noqa: PLC0415 - app ready
    from transferase.foundation.ledger import SYSTEM  # noqa: PLC0415 - app ready

    services.load_vocabularies(actor=SYSTEM)
