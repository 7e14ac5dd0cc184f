"""Search and matches on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import click
from django.utils import timezone

from transferase.catalogue import queries as catalogue
from transferase.catalogue.models import Listing
from transferase.catalogue.rules import RequirementDraft
from transferase.cli.reasons import all_missing_in_words, in_words, to_check_in_words
from transferase.cli.speaking import Unable
from transferase.directory.rules import ANYONE, Permission, Viewer
from transferase.engine.ranking import Misfit, Reason
from transferase.foundation.languages import Language
from transferase.matching import queries as matching
from transferase.matching.rules import Filters

# Who works on the server may ask for the matches of what is not published yet; quotes come from public texts only.
# What a must of a need in numbers is called among what is missing.
_TO_CHECK: Final = "offer.requirements"
EVERYTHING: Final = Viewer(permissions=frozenset(Permission))
CODES: Final[Mapping[str, str]] = {"ko": Language.KO, "zh": Language.ZH, "en": Language.EN}


def search(*, query: str, kind: str | None, language: str | None, limit: int) -> dict[str, Any]:
    """What a visitor would find, with the keys of the command."""
    # The model is loaded first: the time told is that of the search, as a server would take it.
    matching.make_ready()
    at = timezone.now()
    result = matching.search(
        viewer=ANYONE, at=at, text=query, direction=kind, limit=limit,
        filters=Filters(languages=(CODES[language],) if language else ()),
        language=CODES[language] if language else Language.EN,
    )  # fmt: skip
    rows = {
        row.pk: row for row in Listing.objects.visible_to(ANYONE, at).filter(pk__in=[h.listing_id for h in result.hits])
    }
    return {
        "results": [
            {
                **_named(rows[hit.listing_id]),
                "score": hit.score,
                "because": [_told(reason) for reason in hit.because],
            }
            for hit in result.hits
            if hit.listing_id in rows
        ],
        "total": result.total,
        "milliseconds": round(result.milliseconds, 1),
        "is_far": result.is_far,
        "meaning_is_available": result.meaning_is_available,
    }


def match(*, external_id: str, limit: int) -> dict[str, Any]:
    """The matches of one listing, with the keys of the command."""
    at = timezone.now()
    listing = _listing(external_id)
    views = matching.matches_of(listing, viewer=EVERYTHING, at=at, limit=limit)
    rows = {row.pk: row for row in Listing.objects.filter(pk__in=[view.counterpart_id for view in views])}
    return {
        "subject": _named(listing),
        "matches": [
            {
                **_named(rows[view.counterpart_id]),
                "score": view.score,
                "parts": {part.name: part.points for part in view.parts},
                "because": [_told(reason) for reason in view.because],
                "misfits": [_told(misfit) for misfit in view.misfits],
                "missing": [
                    {"code": name, "sentence": all_missing_in_words([name])[0]}
                    for name in view.missing
                    if name != _TO_CHECK
                ]
                + [_to_check(required) for required in view.to_check],
                "excluded_by": list(view.excluded_by),
                "engine_version": view.engine_version,
            }
            for view in views
        ],
    }


def print_results(found: Mapping[str, Any]) -> None:
    """The results as lines, best first."""
    if not found["meaning_is_available"]:
        click.echo("Search by meaning is resting. These are results by words.")
    if not found["results"]:
        click.echo("Nothing found. Try other or fewer words, or leave out --kind and --lang.")
        return
    if found["is_far"]:
        click.echo("Nothing fits closely; these are the nearest.")
    for result in found["results"]:
        click.echo(
            f"{result['score']:>3}  {result['title']}  [{result['kind']}, {result['language']}, {_name(result)}]"
        )
        for reason in result["because"]:
            click.echo(f"     + {reason['sentence']}")
    click.echo(f"{found['total']} found in {found['milliseconds']:.0f} ms")


def print_matches(found: Mapping[str, Any]) -> None:
    """The matches as lines, best first, with the reasons for and against."""
    subject = found["subject"]
    click.echo(f"{subject['title']}  [{subject['kind']}, {subject['language']}]")
    for one in found["matches"]:
        click.echo(f"\n{one['score']:>3}  {one['title']}  [{one['language']}, {_name(one)}]")
        click.echo("     " + ", ".join(f"{name} {points}" for name, points in one["parts"].items() if points))
        for mark, name in (("+", "because"), ("-", "misfits")):
            for told in one[name]:
                click.echo(f"     {mark} {told['sentence']}")
        unstated = [told["code"] for told in one["missing"] if told["code"] != _TO_CHECK]
        asked = [told["sentence"] for told in one["missing"] if told["code"] == _TO_CHECK]
        for sentence in (*asked, *all_missing_in_words(unstated)):
            click.echo(f"     ? {sentence}")
    if not found["matches"]:
        click.echo("No match is good enough to be shown.")


def _to_check(required: RequirementDraft) -> dict[str, str]:
    return {
        "code": _TO_CHECK,
        "property": required.property,
        "operator": required.operator,
        "value": f"{required.value.normalize():f}",
        "unit": required.unit,
        "sentence": to_check_in_words(required),
    }


def _listing(external_id: str) -> Listing:
    """The listing of an external id, of SOURCE:EXTERNAL_ID, or of the platform's own id."""
    rows = list(Listing.objects.filter(external_id=external_id)[:2])
    if not rows and ":" in external_id:
        source, _, number = external_id.partition(":")
        rows = list(Listing.objects.filter(source=source, external_id=number)[:2])
    if not rows:
        rows = _by_own_id(external_id)
    if not rows:
        raise Unable(f"There is no listing {external_id}.")
    if len(rows) > 1:
        raise Unable(f"{external_id} stands in several sources: write SOURCE:{external_id}.")
    return rows[0]


def _by_own_id(told: str) -> list[Listing]:
    try:
        return list(Listing.objects.filter(pk=UUID(told)))
    except ValueError:
        return []


def _named(listing: Listing) -> dict[str, Any]:
    sheet = catalogue.sheet(listing, ANYONE, timezone.now(), listing.original_language)
    return {
        "id": str(listing.pk),
        "external_id": sheet.external_id,
        "source": sheet.source,
        "kind": listing.direction,
        "title": sheet.title.text,
        "language": listing.original_language,
    }


def _name(told: Mapping[str, Any]) -> str:
    return str(told["external_id"] or told["id"])


def _told(told: Reason | Misfit) -> dict[str, Any]:
    return {"code": told.code, "facts": dict(told.facts), "sentence": in_words(told)}
