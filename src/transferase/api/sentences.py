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
    "invalid_cursor": "The cursor was not given out by this list; start again without one.",
    "unknown_organisation": "The person is no member of an organisation with this id.",
    "invalid_filter": "The filter {field} has no value {value}.",
}


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
