"""A real browser against a real server: sample records, jobs done in place, and an eye on the console.

The records are committed, so that the threads of the server see them, and taken away again before the next folder of
tests. One set serves all tests here: each of them makes what it changes.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
    from pytest_django.plugin import DjangoDbBlocker

    from transferase.catalogue.models import Listing
    from transferase.directory.models import Organisation, Person

# Playwright keeps an event loop in the thread of the test; Django would refuse to ask the database beside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PASSWORD = "right-horse-7"
INTERFACES = ("ko", "zh-hans", "en")
# Batteries and floods: enough in each language to be found and matched, little enough to be indexed in seconds.
SAMPLES = {
    "kipo_patents.jsonl": (20, 22, 23, 27, 28, 29, 34, 45, 49),
    "chinaxiv_results.jsonl": (20, 22, 26, 28),
    "sbir_awards.jsonl": (20, 21, 25, 28, 61, 62, 63),
    "sbir_topics.jsonl": (8, 50, 54),
}
WATCH = """
document.addEventListener("securitypolicyviolation", (e) => {
  (window.violations ||= []).push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`);
});
"""
# An answer that is no page of its own (a form with faults, a page that is not there) is not a fault of the page.
EXPECTED = ("the server responded with a status of 4",)


def chromium() -> str:
    """The browser of this machine; without one the tests are skipped loudly, and fail where CI=true."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    if os.environ.get("CI") == "true":
        pytest.fail("No Chromium found: install the package `chromium` for the browser tests.")
    warnings.warn("Browser tests skipped: install the package `chromium` to run them.", stacklevel=1)
    pytest.skip("no Chromium found; install the package `chromium`")


@dataclass
class Site:
    """The platform as it stands on a loopback port, with its sample organisations and persons."""

    url: str
    organisations: dict[str, Organisation]
    persons: dict[str, Person]
    needs: list[Listing] = field(default_factory=list)
    offers: list[Listing] = field(default_factory=list)

    def work(self) -> None:
        """Do every waiting job, as the worker beside the server would."""
        from transferase.foundation import queue

        queue.drain()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    path = chromium()
    arguments = ["--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as player:
        opened = player.chromium.launch(executable_path=path, args=arguments)
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def site(
    browser: Browser,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """The server with its records; everything is gone afterwards."""
    from django.conf import settings
    from django.core.management import call_command
    from django.utils import timezone
    from pytest_django.live_server_helper import LiveServer

    kept = settings.MEDIA_ROOT, settings.EMAIL_BACKEND, settings.ACCOUNT_EMAIL_VERIFICATION
    settings.MEDIA_ROOT = tmp_path_factory.mktemp("media")
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    with django_db_blocker.unblock():
        try:
            made = _records(timezone.now())
            made.work()
            server = LiveServer("127.0.0.1")
            made.url = server.url
            yield made
            server.stop()
        finally:
            # Also when it could not be set up: the next folder of tests must not find half of it.
            call_command("flush", verbosity=0, interactive=False)
    settings.MEDIA_ROOT, settings.EMAIL_BACKEND, settings.ACCOUNT_EMAIL_VERIFICATION = kept


@pytest.fixture
def db(site: Site) -> Site:
    """Stands in the place of pytest-django's, so that the test database is made and nothing is rolled back."""
    return site


def _records(at: datetime) -> Site:
    """Sample offers and needs of four organisations, published through the services."""
    from transferase.catalogue import services as catalogue
    from transferase.catalogue.models import Direction
    from transferase.catalogue.rules import ListingDraft, TextDraft
    from transferase.directory import services as directory
    from transferase.directory.rules import OrganisationDraft
    from transferase.foundation.ledger import SYSTEM

    organisations = {
        key: directory.create_organisation(
            actor=SYSTEM, draft=OrganisationDraft(kind=kind, country=country, names=names), at=at
        )
        for key, kind, country, names in (
            ("institute", "research_institute", "KR", {"ko": "견본연구원", "en": "Sample Institute"}),
            ("laboratory", "research_institute", "CN", {"zh-Hans": "样例研究院", "en": "Sample Laboratory"}),
            ("inventor", "company_small", "US", {"en": "Sample Inventions Inc."}),
            ("company", "company_medium", "KR", {"ko": "견본기업", "en": "Sample Company"}),
            ("agency", "authority", "KR", {"en": "Sample Agency", "ko": "견본진흥원"}),
        )
    }
    persons = {}
    for key, role, organisation in (
        ("officer", "transfer_officer", "institute"),
        ("scout", "company_user", "company"),
        ("reviewer", "reviewer", "agency"),
        ("operator", "operator", "agency"),
    ):
        persons[key] = directory.register(
            actor=SYSTEM, email=f"{key}@example.org", name=key.title(), language="en", password=PASSWORD, at=at
        )
        directory.join(actor=SYSTEM, person=persons[key], organisation=organisations[organisation], role=role, at=at)
    site = Site("", organisations, persons)
    owners = dict(zip(SAMPLES, ("institute", "laboratory", "inventor", "company"), strict=True))
    for name, wanted in SAMPLES.items():
        lines = files("transferase.samples").joinpath(name).read_text("utf-8").splitlines()
        for record in (json.loads(lines[number]) for number in wanted):
            texts = [TextDraft(record["language"], title=record["title"], summary=record["summary"])]
            for suffix, language in (("ko", "ko"), ("zh", "zh-Hans"), ("en", "en")):
                if language != record["language"] and record.get(f"title_{suffix}"):
                    texts.append(
                        TextDraft(
                            language,
                            origin="machine",
                            title=record[f"title_{suffix}"],
                            summary=record.get(f"summary_{suffix}", ""),
                        )
                    )
            draft = ListingDraft(
                record["direction"],
                tuple(texts),
                original_language=record["language"],
                ipc=tuple(record.get("ipc") or ()),
            )
            listing = catalogue.record_listing(actor=SYSTEM, owner=organisations[owners[name]], draft=draft, at=at)
            listing = catalogue.submit(actor=SYSTEM, listing=listing, at=at)
            (site.needs if listing.direction == Direction.NEED else site.offers).append(listing)
    return site


@dataclass
class Visit:
    """Somebody's browser window, and what its console said."""

    page: Page
    site: Site
    told: list[str]

    def open(self, path: str) -> Page:
        """Open a page of the site and wait until it is at rest."""
        self.page.goto(f"{self.site.url}{path}")
        self.page.wait_for_function("() => !document.querySelector('.htmx-request')")
        return self.page

    def faults(self) -> list[str]:
        """What the console and the content policy had to say since the last time."""
        said = [*self.told, *(self.page.evaluate("window.violations || []"))]
        self.told.clear()
        return [text for text in said if not any(usual in text for usual in EXPECTED)]


@pytest.fixture
def visit(browser: Browser, db: Site) -> Iterator[Callable[..., Visit]]:
    """Open a window as a person of the site, or as a visitor; no test may leave a fault in the console."""
    opened: list[tuple[BrowserContext, Visit]] = []
    site = db

    def go(who: str | None = None, **look: object) -> Visit:
        look.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(base_url=site.url, **look)  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        context.add_init_script(WATCH)
        if who is not None:
            context.add_cookies([_signed_in(site, site.persons[who])])
        page = context.new_page()
        visited = Visit(page, site, [])

        def listen(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                visited.told.append(f"{message.type}: {message.text}")

        page.on("console", listen)
        page.on("pageerror", lambda error: visited.told.append(f"script: {error}"))
        opened.append((context, visited))
        return visited

    yield go
    for context, visited in opened:
        faults = visited.faults()
        context.close()
        assert not faults, faults


def _signed_in(site: Site, person: Person) -> dict[str, str]:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(person)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {"name": settings.SESSION_COOKIE_NAME, "value": value, "url": site.url}
