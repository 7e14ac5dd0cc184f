"""Vocabularies: code lists that ship as data, one file a scheme, with labels in the three languages."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import TYPE_CHECKING

from transferase.catalogue import queries
from transferase.catalogue.models import Term, TermLabel
from transferase.directory.rules import Permission, require
from transferase.foundation.languages import Language
from transferase.foundation.ledger import record, service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transferase.directory.models import Person
    from transferase.foundation.ledger import System

_COLUMN_OF = {Language.KO: "label_ko", Language.ZH: "label_zh", Language.EN: "label_en"}


@service
def load_vocabularies(*, actor: Person | System) -> int:
    """Bring the code lists of the database in line with those that ship, and say how many rows changed.

    Codes that no longer ship stay, because listings may carry them.
    """
    require(actor, Permission.CATALOGUE_VOCABULARY_WRITE)
    shipped = list(_shipped())
    terms = {(term.scheme, term.code): term for term in Term.objects.all()}
    new, moved = [], []
    for scheme, position, row in shipped:
        term = terms.get((scheme, row["code"]))
        if term is None:
            term = Term(scheme=scheme, code=row["code"], parent_code=row["parent_code"], position=position)
            terms[scheme, row["code"]] = term
            new.append(term)
        elif (term.parent_code, term.position) != (row["parent_code"], position):
            term.parent_code, term.position = row["parent_code"], position
            moved.append(term)
    Term.objects.bulk_create(new, batch_size=2000)
    Term.objects.bulk_update(moved, ["parent_code", "position"], batch_size=500)
    changed = len(new) + len(moved) + _write_labels(shipped, terms)
    if changed:
        record(actor=actor, action="catalogue.vocabulary.loaded", subject="catalogue.Term", changed=changed)
        queries.forget_vocabularies()
    return changed


def _shipped() -> Iterator[tuple[str, int, dict[str, str]]]:
    for path in sorted(files("transferase.catalogue").joinpath("vocabularies").iterdir(), key=lambda p: p.name):
        if path.name.endswith(".csv"):
            rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
            for position, row in enumerate(rows):
                yield path.name.removesuffix(".csv"), position, row


def _write_labels(shipped: list[tuple[str, int, dict[str, str]]], terms: dict[tuple[str, str], Term]) -> int:
    present = {(label.term_id, label.language): label for label in TermLabel.objects.all()}
    new, changed = [], []
    for scheme, _, row in shipped:
        term = terms[scheme, row["code"]]
        for language, column in _COLUMN_OF.items():
            text = row[column]
            label = present.get((term.pk, str(language)))
            if label is None and text:
                new.append(TermLabel(term=term, language=language, label=text))
            elif label is not None and text and label.label != text:
                label.label = text
                changed.append(label)
    TermLabel.objects.bulk_create(new, batch_size=2000)
    TermLabel.objects.bulk_update(changed, ["label"], batch_size=500)
    return len(new) + len(changed)
