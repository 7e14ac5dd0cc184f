"""What is done with the index and with matches; each chapter of this package is one part of it."""

from transferase.matching.services._counting import count_visits
from transferase.matching.services._digests import (
    claim_digest,
    forget_letters,
    postpone_digest,
    refuse_digest,
    settle_digest,
    start_sending,
    write_digest,
)
from transferase.matching.services._editions import (
    begin_means,
    begin_model,
    build,
    centre_edition,
    fill_batch,
    finish,
    index_edition,
    rebuild,
    renew_means,
    switch,
)
from transferase.matching.services._evaluations import (
    record_benchmark,
    record_evaluation,
    record_shipped_benchmark,
)
from transferase.matching.services._index import (
    index_batch,
    index_listing,
    quote_all,
    quote_batch,
)
from transferase.matching.services._judging import MATCH_JUDGED, judge, see_notices, withdraw_judgement
from transferase.matching.services._proposals import (
    MATCH_FOUND,
    Telling,
    propose,
    propose_all,
    propose_batch,
    propose_block,
)
from transferase.matching.services._refitting import approve_weights, refit_weights, undo_weights
from transferase.matching.services._saved import (
    forget_search,
    look_at_search,
    revise_search,
    save_search,
    subscribe,
    unsubscribe,
)

__all__ = [
    "MATCH_FOUND",
    "MATCH_JUDGED",
    "Telling",
    "approve_weights",
    "begin_means",
    "begin_model",
    "build",
    "centre_edition",
    "claim_digest",
    "count_visits",
    "fill_batch",
    "finish",
    "forget_letters",
    "forget_search",
    "index_batch",
    "index_edition",
    "index_listing",
    "judge",
    "look_at_search",
    "postpone_digest",
    "propose",
    "propose_all",
    "propose_batch",
    "propose_block",
    "quote_all",
    "quote_batch",
    "rebuild",
    "record_benchmark",
    "record_evaluation",
    "record_shipped_benchmark",
    "refit_weights",
    "refuse_digest",
    "renew_means",
    "revise_search",
    "save_search",
    "see_notices",
    "settle_digest",
    "start_sending",
    "subscribe",
    "switch",
    "undo_weights",
    "unsubscribe",
    "withdraw_judgement",
    "write_digest",
]
