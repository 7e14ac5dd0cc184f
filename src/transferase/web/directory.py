"""Organisations: who they are, and what they offer and need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from transferase.catalogue.models import Direction, Listing
from transferase.catalogue.queries import labels
from transferase.directory.models import IdentifierScheme, Organisation
from transferase.web.cards import Wording, cards
from transferase.web.context import text_language
from transferase.web.search import Pages

if TYPE_CHECKING:
    from django.http import HttpResponse

    from transferase.web.middleware import PageRequest

PAGE = 30
LISTED = 8
SCHEME_NAMES = {
    IdentifierScheme.ROR: "ROR",
    IdentifierScheme.LEI: "LEI",
    IdentifierScheme.EU_PIC: "PIC",
    IdentifierScheme.KR_BUSINESS: "사업자등록번호",
    IdentifierScheme.CN_CREDIT: "统一社会信用代码",
}


@dataclass(frozen=True)
class Line:
    """An organisation in a list."""

    name: Wording
    original_name: Wording | None
    address: str
    kind: str
    country: str
    is_verified: bool
    offers: int
    needs: int


@require_safe
def organisations(request: PageRequest) -> HttpResponse:
    """Organisations, found by a part of a name in any language or by a register's number."""
    language = text_language()
    words = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:200]
    country = request.GET.get("country", "").replace("\x00", "")[:2]
    found = Organisation.objects.visible_to(request.viewer)
    if words:
        named = Q(names__name__icontains=words) | Q(identifiers__value__iexact=words.replace("-", ""))
        found = found.filter(pk__in=Organisation.objects.visible_to(request.viewer).filter(named).values("pk"))
    countries = labels("country", language)
    by_country = list(found.order_by().values_list("country").annotate(n=Count("pk")).order_by("-n", "country"))
    if country:
        found = found.filter(country=country)
    total = found.count()
    number = request.GET.get("page", "1")
    page = max(1, int(number)) if number.isdecimal() and len(number) < 5 else 1
    first = (page - 1) * PAGE
    named_listings = Listing.objects.visible_to(request.viewer, request.at).filter(is_anonymous=False)
    with_counts = found.annotate(listed=Count("listings", filter=Q(listings__in=named_listings)))
    shown = list(with_counts.prefetch_related("names").order_by("-listed", "pk")[first : first + PAGE])
    counted = dict.fromkeys(((o.pk, d) for o in shown for d in Direction.values), 0)
    for owner, direction, listings in (
        named_listings.filter(owner__in=[organisation.pk for organisation in shown])
        .values_list("owner", "direction")
        .annotate(n=Count("pk"))
        .order_by()
    ):
        counted[owner, direction] = listings
    kinds = labels("organisation_kind", language)

    def address(to: int) -> str:
        told = {"q": words, "country": country, "page": to if to > 1 else ""}
        return f"{reverse('organisations')}?{urlencode({name: value for name, value in told.items() if value})}"

    return render(
        request,
        "directory/organisations_search.html",
        {
            "words": words,
            "country": country,
            "countries": [(code, countries.get(code, code), count) for code, count in by_country],
            "total": total,
            "lines": [
                Line(
                    *_names(organisation, language),
                    address=reverse("organisation", args=[organisation.pk]),
                    kind=kinds.get(organisation.kind, organisation.kind),
                    country=countries.get(organisation.country, organisation.country),
                    is_verified=organisation.is_verified,
                    offers=counted[organisation.pk, Direction.OFFER],
                    needs=counted[organisation.pk, Direction.NEED],
                )
                for organisation in shown
            ],
            "pages": Pages(
                first=first + 1,
                last=first + len(shown),
                total=total,
                previous=address(page - 1) if page > 1 else "",
                next=address(page + 1) if first + PAGE < total else "",
            ),
        },
    )


@require_safe
def organisation(request: PageRequest, organisation_id: int) -> HttpResponse:
    """One organisation: names, numbers, and the listings that it shows under its name."""
    language = text_language()
    found = get_object_or_404(
        Organisation.objects.visible_to(request.viewer).prefetch_related("names", "identifiers"), pk=organisation_id
    )
    listed = Listing.objects.visible_to(request.viewer, request.at).filter(owner=found)
    if not (found.pk in request.viewer.organisations or request.viewer.sees_everything):
        listed = listed.filter(is_anonymous=False)
    sections = []
    for direction in (Direction.OFFER, Direction.NEED):
        own = listed.filter(direction=direction)
        ids = list(own.order_by("-published_at", "-pk").values_list("pk", flat=True)[:LISTED])
        shown = cards(ids, viewer=request.viewer, at=request.at, language=language)
        sections.append(
            {
                "direction": direction,
                "total": own.count(),
                "cards": [shown[pk] for pk in ids if pk in shown],
                "all": f"{reverse('search')}?kind={direction}&organisation={found.pk}",
            }
        )
    name, original = _names(found, language)
    return render(
        request,
        "directory/organisation_show.html",
        {
            "organisation": found,
            "name": name,
            "original_name": original,
            "names": [Wording(n.name, n.language, n.is_machine_made) for n in found.names.all()],
            "identifiers": [(SCHEME_NAMES.get(i.scheme, i.scheme), i.value) for i in found.identifiers.all()],  # type: ignore[call-overload]
            "kind": labels("organisation_kind", language).get(found.kind, found.kind),
            "country": labels("country", language).get(found.country, found.country),
            "sections": sections,
            "is_own": found.pk in request.viewer.organisations,
        },
    )


def _names(organisation: Organisation, language: str) -> tuple[Wording, Wording | None]:
    """The name in the reader's language and, where that is a translation, the one it goes by."""
    names = {name.language: name for name in organisation.names.all()}
    original = next((name for name in names.values() if name.is_original), None)
    chosen = names.get(language) or original or next(iter(names.values()), None)
    if chosen is None:
        return Wording(f"#{organisation.pk}", language), None
    shown = Wording(chosen.name, chosen.language, chosen.is_machine_made)
    if original is None or original.pk == chosen.pk or original.name == chosen.name:
        return shown, None
    return shown, Wording(original.name, original.language)
