"""Pages and API as strangers meet them: a clock that stands, no model, an empty cache."""

from __future__ import annotations

from tests.web.conftest import clock, fresh_cache, index, visit, words_only

__all__ = ["clock", "fresh_cache", "index", "visit", "words_only"]
