"""What people do with listings; each chapter of this package is one part of a listing's life."""

from transferase.catalogue.services._batch import BatchOutcome, BatchRow, Incoming, record_batch
from transferase.catalogue.services._content import discard, record_listing, record_translation, revise
from transferase.catalogue.services._life import (
    confirm,
    expire_due,
    pause,
    publish,
    remind_due,
    resume,
    send_back,
    submit,
    take,
    withdraw,
)
from transferase.catalogue.services._rights import (
    encumber,
    grant_access,
    lift_hold,
    place_hold,
    release_encumbrance,
    revoke_access,
)
from transferase.catalogue.services._vocabulary import load_vocabularies

__all__ = [
    "BatchOutcome",
    "BatchRow",
    "Incoming",
    "confirm",
    "discard",
    "encumber",
    "expire_due",
    "grant_access",
    "lift_hold",
    "load_vocabularies",
    "pause",
    "place_hold",
    "publish",
    "record_batch",
    "record_listing",
    "record_translation",
    "release_encumbrance",
    "remind_due",
    "resume",
    "revise",
    "revoke_access",
    "send_back",
    "submit",
    "take",
    "withdraw",
]
