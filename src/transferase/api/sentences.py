"""What an error code of the house means, as one English sentence for programmers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transferase.foundation.errors import DomainError

SENTENCES: Final[Mapping[str, str]] = {
    "not_possible": "The rules of the platform do not allow this.",
    "not_allowed": "The token or its person lacks the permission {permission}.",
    "wrong_state": "A listing in the state {state} cannot do this.",
    "not_ready": "The listing lacks what publishing asks for: {missing}.",
    "held": "A check holds the listing back.",
    "invalid_content": "The content breaks a rule; see errors.",
    "already_recorded": "A record with the external id {external_id} is there already; revise it instead.",
    "changed_meanwhile": "Somebody revised the listing meanwhile; it is at version {version} now.",
    "already_ended": "It is over already.",
    "original_kept": "A translation cannot take the place of what the owner or a person wrote.",
    "encumbered": "Somebody has rights that do not go together with these.",
    "no_match": "There is no match between these two that your organisation may see.",
    "reason_needed": "`not_for_us` asks for a reason of the vocabulary decline_reason.",
    "search_name_taken": "Another of your saved searches has this name.",
    "too_many_searches": "You keep {most} searches; delete one first.",
    "invalid_cursor": "The cursor was not given out by this list; start again without one.",
}

ANOTHERS_LISTING: Final = "The listing belongs to another organisation; the token works for your own only."
ANOTHERS_ORGANISATION: Final = (
    "There is no such organisation, or you are no member of it; the token works for your own only."
)


class _Known(dict[str, object]):
    """Facts for a sentence; one that is missing stays visible by its name."""

    def __missing__(self, key: str) -> str:
        return key


def sentence(error: DomainError) -> str:
    """One sentence for an error; a code without one is told as it is, so that nothing is hidden."""
    facts = {
        name: ", ".join(map(str, value)) if isinstance(value, (list, tuple, set, frozenset)) else value
        for name, value in error.facts.items()
    }
    told = SENTENCES.get(error.code)
    return told.format_map(_Known(facts)) if told else f"Not possible: {error}."
