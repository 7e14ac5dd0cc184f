"""Every page in three languages, wide and narrow: axe finds nothing, nothing runs over the edge, no console fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from tools.shots import PAGES, Shot

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import Site, Visit

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
WIDE, PHONE, NARROWEST = (
    {"width": 1280, "height": 900},
    {"width": 390, "height": 844},
    {"width": 320, "height": 640},
)
DARK = {"front", "quality", "search", "need_matches", "need_facts", "desk_office", "import_preview"}
TABLE = """external_id,title,summary,ipc
P-1,River level by camera,Measures the water level of rivers within one centimetre,G01F 23/00
P-1,Entered twice,The same number stands here again,G01F
P-3,Film of seaweed,Packaging that degrades within ninety days,C08J 5/18
"""


@pytest.fixture(scope="module")
def places(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What stands for the names in the addresses."""
    from django.utils import timezone

    from transferase.interchange import services
    from transferase.matching.models import Match

    officer, ours, at = site.persons["officer"], site.organisations["institute"], timezone.now()
    runs = {}
    for name in ("previewed", "finished"):
        file = tmp_path_factory.mktemp("import") / "technologies.csv"
        file.write_text(TABLE, encoding="utf-8")
        run = services.receive(
            actor=officer,
            organisation=ours,
            source_name=f"pages-{name}",
            kind="offers",
            file=file,
            file_name=file.name,
            at=at,
        )
        if name == "finished":
            services.preview(actor=officer, run=run, at=at, wanted_state="draft")
            services.bring_in(actor=officer, run=run, at=at)
        runs[name] = str(run.pk)
    pair = Match.objects.filter(need__in=site.needs, offer__owner=ours, excluded_by=[]).order_by("-score").first()
    assert pair is not None, "the sample needs match none of the sample offers"
    return {
        "offer": str(site.offers[-1].pk),
        "need": str(pair.need_id),
        "match": str(pair.offer_id),
        "own": str(pair.offer_id),
        "organisation": str(site.organisations["laboratory"].pk),
        "ours": str(ours.pk),
        **runs,
    }


@pytest.fixture
def waiting(site: Site) -> None:
    """A listing and an organisation that wait for somebody."""
    from django.utils import timezone

    from transferase.catalogue import services as catalogue
    from transferase.catalogue.models import Listing, State
    from transferase.catalogue.rules import ListingDraft, TextDraft
    from transferase.directory import services as directory
    from transferase.directory.rules import OrganisationDraft
    from transferase.foundation.ledger import SYSTEM

    if Listing.objects.filter(state=State.IN_REVIEW).exists():
        return
    at = timezone.now()
    newcomer = directory.register(
        actor=SYSTEM, email="newcomer@example.org", name="Newcomer", language="en", password=None, at=at
    )
    organisation = directory.create_organisation(
        actor=newcomer, draft=OrganisationDraft(kind="venture", country="KR", names={"en": "Newcomer Ltd"}), at=at
    )
    text = TextDraft("en", title="Leak detector", summary="Hears leaks in buried pipes.")
    draft = ListingDraft("offer", (text,), original_language="en")
    listing = catalogue.record_listing(actor=newcomer, owner=organisation, draft=draft, at=at)
    catalogue.submit(actor=newcomer, listing=listing, at=at)


@pytest.fixture
def measured(site: Site) -> None:
    """Figures of quality, and weights that wait for an operator."""
    from django.utils import timezone

    from transferase.engine.ranking import load_weights
    from transferase.foundation.ledger import SYSTEM
    from transferase.matching import services
    from transferase.matching.models import WeightsVersion

    services.record_shipped_benchmark(actor=SYSTEM, at=timezone.now())
    shipped = load_weights()
    if WeightsVersion.objects.exists():
        return
    side = {"auc": 0.7, "ndcg": 0.8, "log_loss": 0.6}
    judgements = {"for": 60, "against": 40, "needs": 20, "organisations": 6, "left_out": {"reason": 7}}
    WeightsVersion.objects.create(
        version=f"{shipped.version}-r1",
        base_version=shipped.version,
        parts=dict.fromkeys(shipped.parts, 1 / len(shipped.parts)),
        figures={"before": side, "after": side, "judgements": judgements},
        proposed_at=timezone.now(),
        proposed_by="system",
    )


def complaints(page: Page, where: str) -> list[str]:
    """What axe finds, one line for each kind of fault with the first places."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{where}: {fault['id']}: {[' '.join(map(str, node['target'])) for node in fault['nodes']][:4]}"
        for fault in found
    ]


def overflow(page: Page, where: str) -> list[str]:
    """Whether a page has to be scrolled sideways."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [f"{where}: {wide} px over the edge"] if wide > 1 else []


@pytest.mark.parametrize("language", ["ko", "zh-hans", "en"])
@pytest.mark.parametrize("shot", PAGES, ids=lambda shot: shot.name)
def test_a_page_is_accessible_and_quiet(
    visit: Callable[..., Visit], places: dict[str, str], waiting: None, measured: None, shot: Shot, language: str
) -> None:
    here = visit(shot.who, viewport=WIDE, color_scheme="light")
    page = here.open(f"/{language}{shot.path.format(**places)}")
    # Wide and narrow differ in style alone, so one language is enough for the wide one.
    faults = complaints(page, "wide") if language == "en" else []
    assert page.locator("h1").count() == 1
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    faults += complaints(page, "phone") + overflow(page, "phone")
    page.set_viewport_size(NARROWEST)  # type: ignore[arg-type]
    faults += overflow(page, "narrowest")
    if shot.name in DARK and language == "en":
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        page.emulate_media(color_scheme="dark")
        page.reload(wait_until="networkidle")
        assert page.locator("html").get_attribute("data-bs-theme") == "dark"
        faults += complaints(page, "dark")
    assert not faults, "\n".join(faults)
