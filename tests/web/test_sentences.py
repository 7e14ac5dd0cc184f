"""Every code that the floors below know has a sentence, and every catalogue has all of them."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.utils import translation

import transferase
from transferase.catalogue import rules as catalogue_rules
from transferase.catalogue.rules import quality_hints
from transferase.engine.ranking import Reason
from transferase.foundation.errors import DomainError, Problem
from transferase.interchange.rules import ROW_CODES
from transferase.matching import rules as matching_rules
from transferase.web import reasons, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

APPS = ("foundation", "directory", "catalogue", "matching", "interchange")
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def _modules() -> Iterator[str]:
    for app in APPS:
        package = importlib.import_module(f"transferase.{app}")
        yield from (m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))


def refusals() -> list[type[DomainError]]:
    for name in _modules():
        if ".migrations" not in name:
            importlib.import_module(name)
    found, waiting = [], [DomainError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    below = tuple(f"{transferase.__name__}.{app}." for app in APPS)
    return [kind for kind in found if kind.__module__.startswith(below)]


@pytest.mark.django_db
def test_every_refusal_has_a_sentence() -> None:
    assert len(refusals()) > 20
    assert {kind.code for kind in refusals() if not sentences.is_known(kind.code)} == set()


def test_every_code_of_a_row_has_a_sentence_that_asks_for_known_facts_only() -> None:
    for code, facts in ROW_CODES.items():
        pattern = str(sentences.ROWS.get(code) or sentences.SENTENCES[code])
        assert set(PLACEHOLDER.findall(pattern)) <= set(facts), code
    assert set(sentences.ROWS) <= set(ROW_CODES)


def problem_codes() -> set[str]:
    """The codes of `Problem(field, code, …)` as they stand in the sources of the floors below."""
    codes = set()
    for name in _modules():
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            continue
        source = Path(spec.origin).read_text(encoding="utf-8")
        codes |= set(re.findall(r'Problem\(\s*[^,()]+(?:\([^)]*\))?,\s*"(\w+)"', source))
    return codes


def test_every_problem_has_a_sentence() -> None:
    codes = problem_codes()
    assert {"required", "too_long", "unknown_code"} <= codes
    assert {code for code in codes if not sentences.is_known(code)} == set()


def test_every_hint_and_its_praise_has_a_sentence() -> None:
    hints = {
        *quality_hints(catalogue_rules.ListingDraft(direction="offer", texts=())),
        *quality_hints(catalogue_rules.ListingDraft(direction="need", texts=())),
        "trl_evidence",
    }
    assert {hint for hint in hints if not sentences.is_known(f"hint_{hint}")} == set()
    assert {hint for hint in hints if not sentences.is_known(f"has_{hint}")} == set()


def test_every_code_of_a_match_has_words() -> None:
    assert set(reasons.PARTS) == set(matching_rules.PARTS)
    assert set(reasons.FITS) == set(matching_rules.REASONS) - {"sentence_pair"}
    assert set(reasons.MISFITS) == set(matching_rules.MISFITS)
    assert set(reasons.EXCLUSIONS) == set(matching_rules.EXCLUSIONS)
    for code in matching_rules.MISSING:
        assert reasons.missing([code])
        assert code not in reasons.missing([code])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("interface", "code", "facts", "said"),
    [
        ("en", "too_large", {"limit": 100 * 1024 * 1024},
         "The file is larger than 100 MB. Split it, or compress it as .gz."),
        ("ko", "wrong_state", {"act": "pause", "state": "draft"},
         "현재 상태(작성 중)에서는 할 수 없는 작업입니다."),
        ("zh-hans", "not_ready", {"missing": ["title", "summary"]}, "发布前请填写：标题、摘要。"),
        ("en", "invalid_content", {"problems": [Problem("website", "not_a_web_address")]},
         "Some entries do not follow the rules: A web address begins with http:// or https://."),
        ("en", "unknown_code", {"code": "x", "vocabulary": "role"}, "“x” is not in the list of allowed values."),
        ("en", "unknown_code", {"value": "y"}, "“y” is not in the list of allowed values."),
        ("en", "never_heard_of", {}, "This is not possible."),
        ("en", "text_too_long", {}, "The text has … characters; … are allowed."),
        ("en", "not_a_table", {"looks_like": "pdf"},
         "This is not a table of records but a PDF document. Save it as CSV, XLSX or JSONL."),
    ],
)  # fmt: skip
def test_facts_are_put_in_words(interface: str, code: str, facts: dict[str, object], said: str) -> None:
    with translation.override(interface):
        assert sentences.sentence(code, facts) == said


def test_percent_signs_in_facts_are_only_text() -> None:
    assert "100%(x)s" in sentences.sentence("unknown_owner", {"value": "100%(x)s"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("interface", "code", "facts", "said"),
    [
        ("ko", "transfer_mode_differs", {"wanted": ["assignment"], "given": ["option"]}, "공급은 옵션, 수요는 양도"),
        ("en", "territory_outside", {"wanted": ["KR", "CN"], "given": ["US"]}, "does not cover South Korea, China"),
        ("zh-hans", "readiness_above", {"wanted": [3, 3], "stated": [7, 9]}, "TRL 7–9，要求为TRL 3"),
        ("en", "something_new", {}, "something_new"),
    ],
)
def test_misfits_are_told_in_the_readers_words(interface: str, code: str, facts: dict[str, object], said: str) -> None:
    with translation.override(interface):
        assert said in reasons.misfit(code, facts)


def _shared(*words: str, language: str) -> Reason:
    said = [{"text": word, "language": language} for word in words]
    return Reason("shared_terms", {"terms": [{"term": q["text"], "need": q, "offer": q} for q in said]})


@pytest.mark.django_db
def test_shared_words_are_told_in_the_readers_language_where_there_are_some() -> None:
    because = [_shared("传感器", language="zh-Hans"), _shared("sensor", "level", language="en")]
    assert reasons.fits(because, "en") == ["Both say: sensor, level"]
    assert reasons.fits(because, "ko") == ["Both say: 传感器"]


@pytest.mark.django_db
def test_stated_facts_that_fit_are_told_in_words() -> None:
    because = [
        Reason("sentence_pair", {}),
        Reason("shared_field", {"node": "G01F 23/00", "nodes": ["G01F 23/00"]}),
        Reason("readiness_fits", {"wanted": [4, 6], "stated": [5, 5]}),
        Reason("transfer_mode_fits", {"modes": ["assignment"]}),
        Reason("territory_fits", {"wanted": ["KR"], "given": ["world"]}),
        Reason("partner_fits", {"side": "need", "kind": "company_small"}),
    ]
    assert reasons.fits(because, "en") == [
        "Both are in the patent class G01F 23/00 (Measuring volume, volume flow, mass flow or liquid level)",
        "Readiness TRL 5 is within what is asked for (TRL 4–6)",
        "Common way of transfer: Assignment",
        "The territory covers South Korea",
        "The kind of partner fits: Small company",
    ]
    assert reasons.excluded("country").startswith("Ruled out")
