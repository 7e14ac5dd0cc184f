"""Errors of the trade: what a person did cannot be done, and why, as a code with facts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class DomainError(Exception):
    """Something the rules of the trade do not allow.

    `code` names the rule, `facts` what it was about; doors turn both into a sentence in the reader's language.
    Every other exception is a bug.
    """

    code = "not_possible"

    def __init__(self, **facts: object) -> None:
        super().__init__(self.code, facts)
        self.facts = facts

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.code} ({told})" if told else self.code


class NotAllowed(DomainError):
    """The person has no permission for this act."""

    code = "not_allowed"


@dataclass(frozen=True)
class Problem:
    """One thing in a content that breaks a rule: the field, the code of the rule, and facts for the sentence."""

    field: str
    code: str
    facts: Mapping[str, object] = dataclasses.field(default_factory=dict)


class InvalidContent(DomainError):
    """The content breaks rules; `facts["problems"]` is a tuple of `Problem`."""

    code = "invalid_content"
