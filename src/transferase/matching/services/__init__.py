"""What is done with the index and with matches; each chapter of this package is one part of it."""

from transferase.matching.services._evaluations import (
    record_benchmark,
    record_evaluation,
    record_shipped_benchmark,
)
from transferase.matching.services._index import (
    index_batch,
    index_listing,
    make_means,
    quote_all,
    quote_batch,
    rebuild,
    recentre_batch,
    renew_means,
)
from transferase.matching.services._judging import MATCH_JUDGED, judge, see_notices, withdraw_judgement
from transferase.matching.services._proposals import MATCH_FOUND, Telling, propose, propose_all, propose_batch
from transferase.matching.services._refitting import approve_weights, refit_weights, undo_weights

__all__ = [
    "MATCH_FOUND",
    "MATCH_JUDGED",
    "Telling",
    "approve_weights",
    "index_batch",
    "index_listing",
    "judge",
    "make_means",
    "propose",
    "propose_all",
    "propose_batch",
    "quote_all",
    "quote_batch",
    "rebuild",
    "recentre_batch",
    "record_benchmark",
    "record_evaluation",
    "record_shipped_benchmark",
    "refit_weights",
    "renew_means",
    "see_notices",
    "undo_weights",
    "withdraw_judgement",
]
