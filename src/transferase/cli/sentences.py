"""What went wrong, in one English sentence that says what to do."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db import OperationalError

from transferase.foundation.errors import DomainError, Problem
from transferase.foundation.postgres import DatabaseUnavailable

# code of an error -> sentence; names in braces are facts of the error
SENTENCES: Final[Mapping[str, str]] = {
    "not_possible": "The rules of the platform do not allow this.",
    "not_allowed": "There is no permission for this ({permission}).",
    "invalid_content": "The content breaks a rule: {problems}.",
    "wrong_state": "A listing in the state {state} cannot do this.",
    "not_ready": "Publishing asks for {missing}.",
    "held": "A check holds the listing back.",
    "not_a_measurement": "The file is no run of the benchmark: it lacks `{lacks}`.",
    "too_few_judgements": "There are {judged} judgements to fit weights to ({fits} for, {misfits} against, of {judges} "
    "organisations): needed are {least}, {least_of_each} of either kind, of {least_judges} organisations.",
    "unknown_weights": "There are no weights {version}: `transferase weights list` names those that there are.",
    "other_base": "The weights {version} were fitted beside others than those that ship: run `weights refit` again.",
    "already_in_force": "The weights {version} are in force already.",
    "nothing_approved": "The weights that ship are in force: there is nothing to take back.",
    # files
    "file_refused": "The file cannot be read as a table.",
    "too_large": "The file is larger than {limit} bytes: split it, or raise TRANSFERASE_IMPORT_MAX_MB.",
    "too_many_rows": "The table has more than {limit} rows: split it.",
    "too_many_columns": "The table has more than {limit} columns.",
    "empty_file": "The file holds no row.",
    "not_a_table": "The file is no table but looks like {looks_like}: save it as CSV, XLSX or JSONL.",
    "old_excel": "The file is a workbook of an old Excel: save it as XLSX.",
    "password_protected": "The workbook asks for a password: save it without one.",
    "xlsx_bomb": "The workbook would unpack to far more than it holds ({reason}); it is refused.",
    "broken_file": "The file is cut off or damaged ({format}).",
    "no_header": "The first row does not name the columns.",
    "duplicate_header": "Two columns are named {column}.",
    "doubtful_encoding": "The encoding of the file is in doubt: name one of {candidates} with --encoding.",
    "undecodable": "The file does not hold text in {encoding}: it fails at byte {byte}.",
    "unknown_encoding": "Files cannot be read in the encoding {encoding}.",
    "missing_columns": "No column fills {fields}: name columns in a --map file.",
    "unknown_field": "There is no field {field} to map a column to.",
    "duplicate_field": "Two columns are mapped to the field {field}.",
    "unknown_kind": "There are no records of the kind {kind}.",
    "unknown_format": "There is no format {format}: the file ends in .csv, .xlsx or .jsonl.",
    "foreign_source": "The source {source} belongs to another organisation.",
    "wrong_run_state": "The import is {state} and cannot do this.",
    "already_running": "Somebody else is bringing in this file at the same time.",
    "lost_file": "The file of the import is no longer kept.",
    # rows that were not taken
    "bad_json": "The line is no JSON.",
    "not_an_object": "The line is no JSON object.",
    "broken_row": "The row runs over {lines} lines: a quotation mark is missing.",
    "text_too_long": "The text has {length} characters; at most {limit} are taken.",
    "no_external_id": "The record has no external id.",
    "external_id_too_long": "The external id has {length} characters; at most {limit} are taken.",
    "duplicate_external_id": "The external id {value} stands in row {first_row} too.",
    "no_title": "The record has neither title nor summary.",
    "no_name": "The organisation has no name.",
    "no_country": "The organisation has no country.",
    "no_right": "The row names no right.",
    "unknown_owner": "The owner {value} is not known; a new one needs a name and a country.",
    "owner_not_allowed": "Only operators bring in records of others ({value}).",
    "other_direction": "The record says that it is the other kind ({value}).",
    "unknown_offer": "There is no offer {value} of this source.",
    "required": "A value is needed.",
    "too_long": "At most {longest} characters are taken.",
    "out_of_range": "The value is not between {low} and {high}.",
    "not_in_order": "{low} is above {high}.",
    "given_twice": "It is given twice.",
    "not_for_direction": "It does not belong to this direction ({direction}).",
    "not_a_web_address": "It is no web address.",
    "owned_by_other": "The record belongs to another organisation.",
    "direction_changed": "The record is on the platform in the other direction.",
    "wrong_number": "The number {value} is not valid ({scheme}).",
    "identifier_taken": "Another organisation has the number {value} ({scheme}).",
    "verified_name_fixed": "Names, country and numbers of a verified organisation are changed by an operator only.",
    # rows that were taken with a remark
    "characters_removed": "{count} characters that cannot be shown were removed.",
    "extra_cells": "{count} cells beyond the header were left out.",
    "title_cut": "The title has {length} characters and was cut to {limit}.",
    "value_cut": "The value has {length} characters and was cut to {limit}.",
    "title_from_summary": "The title was taken from the summary.",
    "summary_from_description": "The summary was taken from the description.",
    "summary_shortened": "The summary has {length} characters; what is beyond {limit} went to the description.",
    "owner_will_be_entered": "The organisation {value} is entered as the owner.",
    "stays_draft": "The record stays a draft: publishing asks for {missing}.",
    "no_currency": "The amount {value} has no currency.",
    "unknown_code": "No vocabulary knows {value}; it is kept as unmapped.",
    "unknown_classification": "{value} is no symbol of the classification; it is kept as unmapped.",
    "unknown_language": "The language {value} is not one of ko, zh, en.",
    "unknown_country": "The country {value} is not known.",
    "bad_date": "{value} is no date.",
    "bad_number": "{value} is no number.",
    "bad_trl": "{value} is no technology readiness level.",
    "bad_requirement": "{value} is no requirement in numbers.",
    "bad_right": "{value} is no right that can be read.",
    "bad_identifier": "{value} is no valid number of an organisation.",
    "bad_link": "{value} is no web address.",
    "range_reversed": "The range {value} was turned round.",
    "formula_error": "The cell holds the error {value} of a formula.",
}


class _Known(dict[str, object]):
    """Facts for a sentence; one that is missing stays visible by its name."""

    def __missing__(self, key: str) -> str:
        return key


def sentence(error: DomainError) -> str:
    """One sentence for an error of the trade."""
    return told_code(error.code, error.facts)


def told_code(code: str, facts: Mapping[str, object]) -> str:
    """One sentence for a code with facts; a code without one is told in its own words."""
    if code in SENTENCES:
        return SENTENCES[code].format_map(_Known({name: _listed(value) for name, value in facts.items()}))
    details = ", ".join(f"{name} {value}" for name, value in facts.items() if value not in (None, "", [], {}))
    words = code.replace("_", " ").capitalize()
    return f"{words}: {details}." if details else f"{words}."


def _listed(value: object) -> object:
    if isinstance(value, Problem):
        return f"{value.field} ({value.code.replace('_', ' ')})"
    return ", ".join(str(_listed(part)) for part in value) if isinstance(value, (list, tuple)) else value


def explained(error: Exception) -> str:
    """One sentence for whatever ended a verb; the traceback of a bug goes to a file."""
    if isinstance(error, DomainError):
        return sentence(error)
    if isinstance(error, DatabaseUnavailable):
        return str(error)
    if isinstance(error, (OperationalError, psycopg.OperationalError)):
        return f"The database cannot be reached ({_first_line(error)}): start it or correct DATABASE_URL."
    if isinstance(error, (DatabaseError, psycopg.Error)):
        return f"The database refused ({_first_line(error)}): run `transferase migrate`, then `transferase check`."
    if isinstance(error, ImproperlyConfigured):
        return f"The settings do not fit: {_first_line(error)}"
    if isinstance(error, OSError):
        name = f" {error.filename}" if error.filename else ""
        return f"Cannot use{name}: {error.strerror or _first_line(error)}."
    return f"This is a fault of the program ({type(error).__name__}: {_first_line(error)}); {_kept(error)}."


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _kept(error: Exception) -> str:
    """Keep the traceback where whoever mends the fault can read it, and say where."""
    file = Path(os.environ.get("TRANSFERASE_HOME", "var")) / "faults.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as log:
            traceback.print_exception(error, file=log)
    except OSError:
        return "please report it"
    return f"details are in {file}"
