"""A content made ready to be written, without a database."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transferase.catalogue._copying import Copied, copied
from transferase.catalogue._drafts import as_json, check_draft, missing_for_publishing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from transferase.catalogue._contents import ListingDraft
    from transferase.foundation.errors import Problem


@dataclass(frozen=True)
class Prepared:
    """A content as it will be stored, what is wrong with it, and what publishing would still ask for.

    `copied` is the content as it is written and `digest` its digest; both are empty where something is wrong.
    """

    source: str
    external_id: str
    direction: str
    is_sample: bool
    problems: tuple[Problem, ...]
    missing: tuple[str, ...] = ()
    digest: str = ""
    copied: Copied | None = None


def prepare(draft: ListingDraft, known_codes: Mapping[str, AbstractSet[str]]) -> Prepared:
    """Check a cleaned content before it is written; needs no database, so it may run beside one."""
    identity = (draft.source, draft.external_id, draft.direction, draft.is_sample)
    problems = check_draft(draft, known_codes)
    if problems:
        return Prepared(*identity, problems)
    content = as_json(draft)
    digest = hashlib.sha256(content).hexdigest()
    return Prepared(*identity, (), missing_for_publishing(draft), digest, copied(draft, content.decode()))
