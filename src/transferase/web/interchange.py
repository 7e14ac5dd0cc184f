"""Bringing in a file: choose it, see what would happen, let it run, read what became of each row."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from transferase.catalogue import queries as catalogue
from transferase.catalogue.models import Listing
from transferase.catalogue.rules import ListingDraft, original_text
from transferase.directory.queries import organisations_of
from transferase.foundation.errors import DomainError
from transferase.interchange import queries, rules, services
from transferase.interchange.models import ImportRun, Kind, RunState
from transferase.matching import queries as matching
from transferase.web.accounts import person_of, reading_language
from transferase.web.forms.importing import KIND_WORDS, MappingForm, UploadForm, field_words
from transferase.web.sentences import sentence
from transferase.web.unsaved import registered
from transferase.web.uploads import bound_uploads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http.response import HttpResponseBase

    from transferase.web.middleware import PageRequest

MOST_RUNS = 20
MOST_FINDINGS = 200
MOST_RECORDS = 10
# A page that is left open must not ask for ever: 900 times 2 seconds is half an hour.
MOST_POLLS = 900
PREVIEWABLE = {RunState.UPLOADED, RunState.PREVIEWED, RunState.FAILED}
# A spreadsheet would run a cell that begins so; an import takes the apostrophe before it off again.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True)
class Told:
    """Something found in a row, in words."""

    row: int
    field: str
    text: str
    is_warning: bool


# The size of a file has to be bounded before anything reads the form, so the token is checked after that.
@csrf_exempt
@require_http_methods(["GET", "POST"])
def import_new(request: PageRequest) -> HttpResponseBase:
    """Choose a file and say what it holds."""
    if request.person is None:
        # Nothing that a stranger sends is read.
        return redirect_to_login(request.get_full_path(), resolve_url("account_login"))
    bound_uploads(request)
    return _import_new(request)


@csrf_protect
@registered
def _import_new(request: PageRequest) -> HttpResponse:
    person, language = person_of(request), reading_language()
    own = organisations_of(person, request.at)
    is_operator = rules.is_operator(person)
    form = UploadForm(
        request.POST or None,
        request.FILES or None,
        organisations=[(str(organisation.pk), organisation.name(language)) for organisation in own],
        is_operator=is_operator,
    )
    if not own and not is_operator:
        messages.info(request, gettext("First name the organisation whose records you bring in."))
        return redirect(f"{reverse('organisation_new')}?{urlencode({'next': request.get_full_path()})}")
    if request.method == "POST":
        if getattr(request, "refused_upload", False):
            form.errors.pop("file", None)
            form.add_error("file", sentence("too_large", {"limit": settings.IMPORT_MAX_BYTES}))
        elif form.is_valid():
            chosen = form.cleaned_data.get("organisation", str(own[0].pk) if own and not is_operator else "")
            organisation = next((o for o in own if str(o.pk) == chosen), None)
            try:
                run = services.receive(
                    actor=person,
                    organisation=organisation,
                    source_name=form.cleaned_data["source_name"],
                    kind=form.cleaned_data["kind"],
                    file=form.cleaned_data["file"],
                    file_name=form.cleaned_data["file"].name,
                    at=request.at,
                )
            except DomainError as error:
                form.add_error(
                    "source_name" if error.code == "foreign_source" else "file", sentence(error.code, error.facts)
                )
            else:
                return redirect("import_run", run.pk)
    page = {
        "form": form,
        "megabytes": settings.IMPORT_MAX_BYTES // (1024 * 1024),
        "runs": queries.runs(request.viewer)[:MOST_RUNS],
        "kinds": KIND_WORDS,
    }
    return render(request, "interchange/import_new.html", page, status=422 if form.errors else 200)


@registered
@require_http_methods(["GET", "POST"])
def import_run(request: PageRequest, run_id: int) -> HttpResponse:
    """An import where it stands: what would happen, how far it is, or what became of it."""
    run = _own_run(request, run_id)
    if run.state in PREVIEWABLE:
        return _preview(request, run)
    if request.method == "POST":
        return redirect("import_run", run.pk)
    if run.state == RunState.RUNNING:
        return _progress(request, run)
    return _result(request, run)


@registered
@require_POST
def import_cancel(request: PageRequest, run_id: int) -> HttpResponse:
    """Stop an import; what was taken stays."""
    run = _own_run(request, run_id)
    try:
        services.cancel(actor=person_of(request), run=run, at=request.at)
    except DomainError as error:
        messages.error(request, sentence(error.code, error.facts))
    else:
        messages.success(request, gettext("Stopped. Records that were taken stay."))
    return redirect("import_run", run.pk)


@registered
@require_GET
def import_faulty(request: PageRequest, run_id: int) -> StreamingHttpResponse:
    """The rows that were not taken, as they came, with the reasons in front: to be mended and brought in."""
    run = _own_run(request, run_id)
    response = StreamingHttpResponse(_faulty_lines(run), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="import-{run.pk}-faulty-rows.csv"'
    return response


def _own_run(request: PageRequest, run_id: int) -> ImportRun:
    run = get_object_or_404(queries.runs(request.viewer), pk=run_id)
    if not rules.may_touch(person_of(request), run):
        raise Http404
    return run


def _preview(request: PageRequest, run: ImportRun) -> HttpResponse:
    person = person_of(request)
    form = None
    problem = sentence(run.failure, run.failure_facts) if run.state == RunState.FAILED else ""
    if request.method == "POST":
        form = _mapping_form(request, run, request.POST)
        if form.is_valid():
            try:
                _choose(request, run, form)
                if request.POST.get("act") == "start":
                    services.start(actor=person, run=run, at=request.at)
                return redirect("import_run", run.pk)
            except DomainError as error:
                problem = sentence(error.code, error.facts)
                run.refresh_from_db()
    try:
        shown = services.preview(actor=person, run=run, at=request.at)
        run.refresh_from_db()
    except DomainError as error:
        return render(
            request,
            "interchange/import_refused.html",
            {"run": run, "problem": sentence(error.code, error.facts)},
            status=422,
        )
    if form is None or form.is_valid():
        form = _mapping_form(request, run)
    page = {
        "run": run,
        "preview": shown,
        "form": form,
        "problem": problem,
        "kind": KIND_WORDS[Kind(run.kind)],
        "missing": [field_words(field) for field in shown.missing],
        "columns": [
            (field, [str(row.cells.get(name, ""))[:80] for row in shown.rows[:2]])
            for field, name in zip(form.rows, form.header, strict=True)
        ],
        # While a column is missing, what is found in the rows follows from that alone.
        "rows": [
            (row, *_looks(row.draft), [] if shown.missing else [_told(finding, run) for finding in row.findings])
            for row in shown.rows
        ],
        "has_numbers": _has_numbers(run),
        "findings": [] if shown.missing else [_told(finding, run) for finding in shown.findings],
    }
    return render(request, "interchange/import_preview.html", page, status=422 if problem else 200)


def _mapping_form(request: PageRequest, run: ImportRun, data: Any = None) -> MappingForm:
    return MappingForm(
        data,
        kind=run.kind,
        header=run.header,
        columns=run.columns,
        encoding=run.encoding,
        has_encoding=run.format != "xlsx",
        defaults=run.defaults,
        wanted_state=run.wanted_state,
        is_operator=rules.is_operator(person_of(request)),
    )


def _choose(request: PageRequest, run: ImportRun, form: MappingForm) -> None:
    """Keep with the run what was chosen. Other characters may bring other columns, so those are guessed anew."""
    encoding = form.cleaned_data.get("encoding") or None
    is_other = bool(encoding) and encoding != run.encoding
    services.preview(
        actor=person_of(request),
        run=run,
        at=request.at,
        encoding=encoding if is_other else None,
        columns=None if is_other else form.columns,
        defaults=form.defaults,
        wanted_state=form.cleaned_data.get("wanted_state") or None,
        limit=1,
    )
    run.refresh_from_db()


def _progress(request: PageRequest, run: ImportRun) -> HttpResponse:
    polls = request.GET.get("polls", "0")
    count = int(polls) if polls.isdecimal() and len(polls) < 5 else 0
    page = {
        "run": run,
        "share": round(100 * run.read / run.expected) if run.expected else 0,
        "next_poll": count + 1 if count < MOST_POLLS else None,
    }
    name = "interchange/import_progress_part.html" if request.htmx else "interchange/import_progress.html"
    return render(request, name, page)


def _result(request: PageRequest, run: ImportRun) -> HttpResponse:
    if request.htmx:
        # The page that was asking has to become the page of the result.
        response = HttpResponse()
        response["HX-Refresh"] = "true"
        return response
    ids = queries.listing_ids(run)
    listings = list(Listing.objects.visible_to(request.viewer, request.at).filter(pk__in=ids[:MOST_RECORDS]))
    matches = matching.match_counts([listing.pk for listing in listings], request.viewer, request.at)
    sheets = catalogue.sheets(listings, request.viewer, request.at, reading_language())
    page = {
        "run": run,
        "kind": KIND_WORDS[Kind(run.kind)],
        "counts": [(sentence(code), is_warning, count) for code, is_warning, count in queries.finding_counts(run)],
        "findings": [_told(finding, run) for finding in queries.findings_of(run, limit=MOST_FINDINGS)],
        "most": MOST_FINDINGS,
        "sheets": [(sheet, matches.get(sheet.id, 0)) for sheet in sheets],
        "records": len(ids),
        "is_matching": any(matching.is_waiting(listing) for listing in listings),
    }
    return render(request, "interchange/import_result.html", page)


def _has_numbers(run: ImportRun) -> bool:
    """Whether the records bear numbers of their own; those that the platform makes up tell a reader nothing."""
    return "external_id" in run.columns.values()


def _told(finding: queries.Finding, run: ImportRun) -> Told:
    field = field_words(finding.field) if finding.field else ""
    problem = finding.facts.get("problem")
    code = str(problem) if finding.code == "invalid_content" and problem else finding.code
    if code == "duplicate_external_id" and not _has_numbers(run):
        text = gettext("The same record stands in row %(first_row)s already.") % finding.facts
        return Told(finding.row, "", text, finding.is_warning)
    return Told(finding.row, field, sentence(code, finding.facts), finding.is_warning)


def _looks(draft: Any) -> tuple[str, str, str]:
    """What a record would be called, in which language, and the beginning of its summary."""
    if isinstance(draft, ListingDraft):
        text = original_text(draft)
        return (text.title, draft.original_language, text.summary[:200]) if text else ("", "", "")
    if isinstance(draft, tuple):
        return "; ".join(f"{right.kind} {right.office} {right.number}".strip() for right in draft), "", ""
    names = getattr(draft, "names", None) or {}
    return next(iter(names.values()), ""), next(iter(names), ""), ""


def _faulty_lines(run: ImportRun) -> Iterator[str]:
    writer = csv.writer(_Echo())
    # The mark lets spreadsheets see at once that this is UTF-8.
    yield "\ufeff" + writer.writerow([gettext("Row"), gettext("Reason"), *map(_inert, run.header)])
    for number, cells, findings in queries.faulty_rows(run):
        reasons = " ".join(_told(finding, run).text for finding in findings)
        yield writer.writerow([number, reasons, *(_inert(cell) for cell in cells)])


def _inert(cell: str) -> str:
    # Some programs cut spaces off before they look.
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) or cell.lstrip().startswith(FORMULA_STARTS) else cell


class _Echo:
    """Gives back what a writer would have put into a file."""

    def write(self, line: str) -> str:
        return line
