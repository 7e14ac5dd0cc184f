from django.apps import AppConfig

FOLLOWED = (
    "recorded",
    "published",
    "revised",
    "paused",
    "resumed",
    "withdrawn",
    "taken",
    "expired",
    "held",
    "released",
    "confirmed",
    "sent_back",
    "discarded",
    "encumbered",
    "unencumbered",
)


class MatchingConfig(AppConfig):
    name = "transferase.matching"
    label = "matching"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear of everything that changes what a listing says or who may see it."""
        from transferase.foundation.ledger import follow  # noqa: PLC0415 - app ready: models are not loaded before

        for event in FOLLOWED:
            follow(f"catalogue.listing.{event}", "transferase.matching.receivers.listing_changed")
        follow("interchange.import.finished", "transferase.matching.receivers.import_finished")
