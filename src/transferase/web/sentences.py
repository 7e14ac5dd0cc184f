"""What codes mean, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from collections.abc import Mapping


def sentence(code: str, facts: Mapping[str, object] | None = None) -> str:
    """The sentence for a code, with its facts filled in."""
    return _("This is not possible.")
