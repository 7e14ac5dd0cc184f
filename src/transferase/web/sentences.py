"""What codes mean, in the reader's language: refusals, faults of contents and rows, hints for a better listing.

A sentence names its facts in `%(name)s`; `told` turns a fact into words first (a state by its name, a size in MB).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from django.utils.translation import get_language, gettext, pgettext
from django.utils.translation import gettext_lazy as _

from transferase.catalogue.queries import label, labels
from transferase.foundation.languages import LANGUAGES, of_interface
from transferase.web.templatetags.interface import language_name, number, state_name

MEGABYTE: Final = 1024 * 1024

# What the rules of the trade do not allow (the codes of `DomainError`).
REFUSALS: Final[Mapping[str, object]] = {
    "not_possible": _("This is not possible."),
    "not_allowed": _("Your role does not allow this. Ask somebody who manages your organisation."),
    "invalid_content": _("Some entries do not follow the rules: %(problems)s"),
    # catalogue
    "wrong_state": _("The listing is in the state “%(state)s”; this step does not start from there."),
    "not_ready": _("Before publishing, please fill in: %(missing)s."),
    "held": _("A check keeps this listing from being shown. It is shown again when the check is over."),
    "already_recorded": _("This record of the source is here already."),
    "changed_meanwhile": _("Somebody saved this listing meanwhile. Load the page again."),
    "encumbered": _("Somebody already holds rights that do not go together with these."),
    "original_kept": _("A translation may not replace what a person wrote."),
    # directory
    "email_taken": _("Somebody has registered with this e-mail address. Sign in, or reset the password."),
    "identifier_taken": _("Another organisation has this number. Ask its members to let you in."),
    "verified_name_fixed": _(
        "The organisation is verified: only an operator changes its names, country and register numbers. Ask one."
    ),
    "already_member": _("This person already has that role in the organisation."),
    "already_asked": _("This is asked for already and waits for an answer."),
    "admission_over": _("This was answered or taken back already, or nobody answered in time."),
    "too_many_open": _("%(most)s of your requests wait for answers. Wait for some, or take some back."),
    "already_ended": _("This has already ended."),
    "last_operator": _("This is the last operator. Name another one first."),
    # matching
    "reason_needed": _("Please choose a reason."),
    "no_match": _("There is no match between these two listings that you may judge."),
    "not_a_measurement": _("The file does not hold the figures of a benchmark."),
    "too_few_judgements": _(
        "There are %(judged)s judgements that weights can be fitted to (%(fits)s for, %(misfits)s against, by "
        "%(judges)s organisations). Needed are %(least)s, at least %(least_of_each)s of either kind, by "
        "%(least_judges)s organisations."
    ),
    "unknown_weights": _("There are no weights %(version)s."),
    "other_base": _("The weights %(version)s were fitted beside others than those in use. Fit them anew."),
    "already_in_force": _("The weights %(version)s are in force already."),
    "nothing_approved": _("The weights that came with the platform are in force; there is nothing to take back."),
    "search_name_taken": _("Another of your saved searches has this name."),
    "too_many_searches": _("You keep %(most)s searches; delete one first."),
    # interchange
    "file_refused": _("This file cannot be read as a table."),
    "too_large": _("The file is larger than %(limit)s. Split it, or compress it as .gz."),
    "too_many_rows": _("The table has more than %(limit)s rows. Split the file."),
    "too_many_columns": _("The table has more than %(limit)s columns. Remove the columns that are not needed."),
    "empty_file": _("The file holds no rows."),
    "not_a_table": _("This is not a table of records but %(looks_like)s. Save it as CSV, XLSX or JSONL."),
    "old_excel": _("This is a workbook in an old format of Excel. Save it as .xlsx."),
    "password_protected": _("The workbook asks for a password. Save a copy without one."),
    "xlsx_bomb": _("The workbook would unpack to far more data than it should. Save the sheet as CSV and try again."),
    "broken_file": _("The file is cut off or damaged. Save it again and repeat the upload."),
    "no_header": _("The first row must name the columns."),
    "duplicate_header": _("Two columns are called “%(column)s”. Give each column its own name."),
    "doubtful_encoding": _("We cannot be sure how this file is encoded. Choose one of: %(candidates)s."),
    "undecodable": _("The file is not in the encoding %(encoding)s: byte %(byte)s does not fit. Choose another."),
    "unknown_encoding": _("The encoding %(encoding)s is not known. Choose one from the list."),
    "missing_columns": _("No column fills %(fields)s. Name the column that does."),
    "unknown_field": _("The field “%(field)s” does not exist for these records."),
    "duplicate_field": _("Two columns fill the field “%(field)s”. Keep one of them."),
    "unknown_format": _("Records can be taken out as CSV, XLSX or JSONL."),
    "unknown_kind": _("Choose whether the file holds offers, needs, organisations or rights."),
    "foreign_source": _("The source “%(source)s” belongs to another organisation. Choose another name."),
    "wrong_run_state": _("This step is not possible in the state of this import. Load the page again."),
    "already_running": _("This import is already running."),
    "lost_file": _("The uploaded file is no longer kept. Upload it again."),
}  # fmt: skip

# What is wrong with a row of a file, or was not understood in a row that was taken all the same.
ROWS: Final[Mapping[str, object]] = {
    "bad_json": _("The line is not valid JSON."),
    "not_an_object": _("The line is JSON, but not an object with named fields."),
    "broken_row": _("A quotation mark is not closed; the row runs over %(lines)s lines."),
    "text_too_long": _("The text has %(length)s characters; %(limit)s are allowed."),
    "no_external_id": _("The record has no number of its own (external id)."),
    "external_id_too_long": _("The record's number has %(length)s characters; %(limit)s are allowed."),
    "duplicate_external_id": _("The number %(value)s stands in row %(first_row)s already."),
    "no_title": _("The title is missing."),
    "no_name": _("The name is missing."),
    "no_country": _("The country is missing."),
    "unknown_owner": _("The organisation “%(value)s” is not known."),
    "owner_not_allowed": _("You may bring in records of your own organisation only, not of “%(value)s”."),
    "other_direction": _("The row says “%(value)s”, but the file was announced as the other kind."),
    "unknown_offer": _("No offer of this source has the number %(value)s."),
    "no_right": _("The row names no right: kind or number is missing."),
    "characters_removed": _("Characters that cannot be shown were removed (%(count)s)."),
    "extra_cells": _("The row has more cells than there are columns (%(count)s); they were left out."),
    "title_cut": _("The title had %(length)s characters and was cut to %(limit)s."),
    "value_cut": _("The value had %(length)s characters and was cut to %(limit)s."),
    "summary_from_description": _("The summary was missing; the beginning of the description was taken."),
    "summary_shortened": _("The summary had %(length)s characters and was cut to %(limit)s."),
    "owner_will_be_entered": _("The organisation “%(value)s” is new here and will be entered."),
    "stays_draft": _("The record stays a draft; it lacks: %(missing)s."),
    "title_from_summary": _("The title was missing; the first sentence of the summary was taken."),
    "unknown_code": _("“%(value)s” is not in the list of allowed values."),
    "unknown_classification": _("“%(value)s” is not a patent class that we know; it is kept as a keyword."),
    "unknown_language": _("The language “%(value)s” is not Korean, Chinese or English."),
    "unknown_country": _("The country “%(value)s” was not understood."),
    "bad_date": _("“%(value)s” was not understood as a date."),
    "bad_number": _("“%(value)s” was not understood as a number."),
    "bad_trl": _("“%(value)s” was not understood as a readiness level from 1 to 9."),
    "bad_requirement": _("“%(value)s” was not understood as a requirement in numbers."),
    "bad_right": _("“%(value)s” was not understood as a right."),
    "bad_identifier": _("“%(value)s” is not a valid register number."),
    "bad_link": _("“%(value)s” is not a web address."),
    "range_reversed": _("In “%(value)s” the lower end is above the upper end; the ends were exchanged."),
    "formula_error": _("The cell holds a formula error (%(value)s)."),
}

# What is wrong with one entry of a form, a row or a request.
PROBLEMS: Final[Mapping[str, object]] = {
    "required": _("Please fill in this field."),
    "too_long": _("This text is longer than allowed (%(longest)s characters)."),
    "wrong_number": _("“%(value)s” is not a valid number of this register: please compare it with the certificate."),
    "not_an_email": _("This is not an e-mail address."),
    "not_a_web_address": _("A web address begins with http:// or https://."),
    "out_of_range": _("This value is outside the allowed range."),
    "not_in_order": _("The end lies before the beginning."),
    "given_twice": _("This stands here twice."),
    "owned_by_other": _("This record belongs to another organisation."),
    "direction_changed": _("This record is already here as the other kind; offers stay offers and needs stay needs."),
    "not_for_direction": _("This entry belongs to the other kind of listing."),
    "no_currency": _("Choose the currency of the amount."),
}

# What a listing needs before it can be published.
LACKS: Final[Mapping[str, object]] = {
    "lacks_title": _("A title that everybody may read"),
    "lacks_summary": _("A summary that everybody may read"),
    "lacks_owner": _("An organisation that owns the listing"),
    "lacks_texts": _("A title and a summary that everybody may read"),
    "lacks_country": _("The country"),
    "lacks_original_language": _("The language that the listing is written in"),
}

# What would make a listing easier to find and to judge, and the praise when it is there.
HINTS: Final[Mapping[str, object]] = {
    "hint_problem": _("Say which problem it is about. Readers look for this first."),
    "hint_alternative": _("Name what is used today and where it falls short. Comparisons are understood at once."),
    "hint_numbers": _("Add at least one number with a unit. Numbers decide whether something fits."),
    "hint_trl": _("State the readiness level (TRL). Without it nobody can tell how far away use is."),
    "hint_trl_evidence": _("Say what shows the readiness level: a test, a pilot, a customer."),
    "hint_ipc": _("Choose a patent class. It finds counterparts across languages."),
    "hint_transfer_modes": _("Say how it may be transferred: licence, joint research, assignment …"),
    "hint_territory": _("Name the countries in which it may be used."),
    "hint_rights": _("Add patents and other rights with their numbers. Readers check them."),
    "hint_requirements": _(
        "State at least one requirement in numbers. Every match names what is a must as something to check."
    ),
    "has_problem": _("The problem is named."),
    "has_alternative": _("Today's alternative is named."),
    "has_numbers": _("There are numbers."),
    "has_trl": _("The readiness level is stated."),
    "has_trl_evidence": _("There is evidence for the readiness level."),
    "has_ipc": _("A patent class is chosen."),
    "has_transfer_modes": _("The ways of transfer are stated."),
    "has_territory": _("The territory is stated."),
    "has_rights": _("Rights are listed."),
    "has_requirements": _("There are requirements in numbers."),
}

SENTENCES: Final[Mapping[str, object]] = {**PROBLEMS, **ROWS, **REFUSALS, **LACKS, **HINTS}

LOOKS_LIKE: Final[Mapping[str, object]] = {
    "pdf": _("a PDF document"),
    "html": _("a web page"),
    "zip": _("a ZIP archive"),
    "image": _("a picture"),
    "json_array": _("one large JSON value"),
    "binary": _("a file of another program"),
    "long_line": _("one very long line"),
}


class _Told(dict[str, str]):
    """Facts in words; one that a sentence asks for and nobody gave is left blank."""

    def __missing__(self, key: str) -> str:
        return "…"


def sentence(code: str, facts: Mapping[str, object] | None = None) -> str:
    """The sentence for a code, with its facts in words."""
    words = {name: told(name, value) for name, value in (facts or {}).items()}
    if "value" not in words and ("code" in words or "language" in words):
        words["value"] = words.get("code") or words["language"]
    return str(SENTENCES.get(code) or SENTENCES["not_possible"]) % _Told(words)


def is_known(code: str) -> bool:
    """Whether a code has a sentence of its own."""
    return code in SENTENCES


def told(name: str, value: object) -> str:
    """A fact in words."""
    if name == "state":
        return state_name(str(value))
    if name == "limit" and isinstance(value, int) and value >= MEGABYTE:
        return f"{value // MEGABYTE} MB"
    if name == "looks_like":
        return str(LOOKS_LIKE.get(str(value), value))
    if name == "problems" and isinstance(value, Iterable):
        return " ".join(sentence(problem.code, problem.facts) for problem in value)
    if name in {"missing", "fields"} and isinstance(value, Iterable) and not isinstance(value, str):
        return listed(field_name(str(field)) for field in value)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, list | tuple | set | frozenset):
        return listed(str(item) for item in value)
    return str(value)


def listed(words: Iterable[str]) -> str:
    """Words one after the other, as the reader's language strings them together."""
    return pgettext("between the words of a list", ", ").join(words)


def field_name(field: str) -> str:
    """What a field of a listing is called on the pages."""
    names = {
        "title": _("Title"),
        "summary": _("Summary"),
        "description": _("Description"),
        "problem": _("Problem"),
        "alternative": _("Alternative today"),
        "advantages": _("Advantages"),
        "partner_sought": _("Partner sought"),
        "owner": _("Organisation"),
        "texts": _("Title and summary"),
        "country": _("Country"),
        "external_id": _("Record number"),
        "name": _("Name"),
        "kind": _("Kind"),
        "original_language": _("Language"),
        "language": _("Language"),
        "right_kind": _("Kind of right"),
    }
    return str(names.get(field, field))


def labelled(scheme: str, codes: object) -> str:
    """Codes of a vocabulary by their labels, in the reader's language."""
    language = of_interface(get_language() or "en")
    given = [codes] if isinstance(codes, str) else list(codes) if isinstance(codes, Iterable) else []
    if scheme == "language":
        return listed(language_name(code) for code in given if code in LANGUAGES)
    if len(given) == 1:
        return label(scheme, given[0], language)
    names = labels(scheme, language)
    return listed(names.get(code, code) for code in given)
