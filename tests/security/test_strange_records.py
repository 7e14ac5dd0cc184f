"""Records of values that no spreadsheet would hold: taken, or refused row by row, never an error of ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from transferase.foundation.ledger import SYSTEM
from transferase.interchange import rules, services
from transferase.interchange.models import RunState
from transferase.interchange.queries import faulty_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from transferase.directory.models import Organisation

STRANGE = [
    "\x00", "a\x00b", "\\ud800", "\u202eabc", "😀" * 400, "²", "9" * 5000, "-1", "1e999", "NaN", "a" * 50_001,
    "{}", "[[[", '{"kind": 1}', '[{"kind": "patent", "number": [1]}]', "=1+1", "\t", "\\N", "\\.", "a\tb\nc\r\\d",
    None, True, 0, -1, 10**18, 10**30, 1e308, 1.5, [], {}, [None], [1, [2, [3]]], {"a": {"b": None}},
    [{"kind": "patent"}], [{"property": "x", "operator": "ge", "value": "1e500"}],
    [{"property": "\x00", "operator": "ge", "value": 1}], "0001-01-01", "9999-12-31", "99999-01-01", "2026-02-31",
]  # fmt: skip
BASE = {"title": "A pump", "summary": "A pump of ours.", "country": "KR", "name": "An Institute"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["offers", "needs", "organisations", "rights"])
def test_no_value_of_any_field_breaks_an_import(
    kind: str, tmp_path: Path, settings: Any, at: datetime, make_organisation: Callable[..., Organisation]
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    owner = make_organisation()
    fields = sorted(rules.FIELDS[kind])
    lines = []
    for number, value in enumerate(STRANGE):
        for place, field in enumerate(fields):
            base = {} if kind == "rights" else {k: v for k, v in BASE.items() if k in fields}
            told = {**base, "external_id": f"{number}-{place}", field: value}
            lines.append(json.dumps(told).replace("\\\\ud800", "\\ud800"))
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    run = services.receive(
        actor=SYSTEM, organisation=None if kind == "organisations" else owner, source_name="s", kind=kind, file=path,
        file_name="t.jsonl", at=at,
    )  # fmt: skip
    services.preview(
        actor=SYSTEM, run=run, at=at, columns={field: field for field in run.header if field in fields}, limit=None
    )
    run.refresh_from_db()
    run = services.bring_in(actor=SYSTEM, run=run, at=at)
    assert run.state == RunState.FINISHED
    assert run.read == run.created + run.updated + run.unchanged + run.rejected == len(lines)
    assert len(list(faulty_rows(run))) == run.rejected
