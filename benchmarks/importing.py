"""How many rows a second an import takes, CSV and JSONL, new and unchanged: the way of an operator's file.

The rows are Korean patents of the data folder (title, 600 characters of the abstract, up to four symbols of IPC, one
right), repeated under other numbers. Embedding is not part of it.
"""

import csv
import gzip
import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from transferase.catalogue.models import Listing
from transferase.foundation.ledger import SYSTEM
from transferase.interchange import services as interchange

SHOWN: Final = 600
MEBIBYTE: Final = 1024


def patents(data: Path, count: int) -> Iterator[dict[str, str]]:
    """Rows as a technology bank exports them."""
    with gzip.open(data / "kr_patents" / "patents_ko.jsonl.gz", "rt", encoding="utf-8") as lines:
        known = [json.loads(line) for line in lines]
    for number in range(count):
        patent = known[number % len(known)]
        yield {
            "external_id": f"KR-{number:07d}",
            "title": patent["title"],
            "summary": (patent["abstract"] or patent["title"])[:SHOWN],
            "ipc": ";".join(patent["ipc"][:4]),
            "trl": str(3 + number % 6),
            "country": "KR",
            "transfer_modes": "sale" if number % 2 else "non_exclusive_licence",
            "right_kind": "patent",
            "right_number": f"10-{1_000_000 + number}",
            "right_status": "granted",
            "right_office": "KR",
        }


def importing(data: Path, rows: int) -> dict[str, Any]:
    """Rows a second of each form of file, and the memory of the process that imports (its companion's beside it)."""
    figures: dict[str, Any] = {"rows": rows}
    with TemporaryDirectory() as folder:
        jsonl, table = Path(folder) / "patents.jsonl", Path(folder) / "patents.csv"
        with jsonl.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in patents(data, rows))
        with table.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, next(patents(data, 1)))
            writer.writeheader()
            writer.writerows(patents(data, rows))
        for name, path in (("csv", table), ("csv_unchanged", table), ("jsonl_beside_csv", jsonl), ("jsonl", jsonl)):
            if name == "jsonl":
                _empty()
            figures[name] = {"megabytes": round(path.stat().st_size / 1e6, 1), "rows_per_second": _taken(path, rows)}
    for name, who in (("memory_mb", resource.RUSAGE_SELF), ("companion_memory_mb", resource.RUSAGE_CHILDREN)):
        figures[name] = resource.getrusage(who).ru_maxrss // MEBIBYTE
    return figures


def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {connection.ops.quote_name(Listing._meta.db_table)} CASCADE")


def _taken(path: Path, rows: int) -> int:
    at = timezone.now()
    run = interchange.receive(
        actor=SYSTEM, organisation=None, source_name=f"bench {path.suffix}", kind="offers", file=path,
        file_name=path.name, at=at,
    )  # fmt: skip
    interchange.preview(actor=SYSTEM, run=run, at=at, defaults={"owner": "Bench University"}, wanted_state="published")
    run.refresh_from_db()
    started = time.perf_counter()
    run = interchange.bring_in(actor=SYSTEM, run=run, at=at)
    seconds = time.perf_counter() - started
    if run.read != rows or run.rejected:
        message = f"{run.read} of {rows} rows were read, {run.rejected} of them refused"
        raise RuntimeError(message)
    return round(rows / seconds)
