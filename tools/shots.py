"""Pictures of every page, from a running demo.

    transferase demo --port 8123 &
    python tools/shots.py http://127.0.0.1:8123 docs/images [--pages front,need_matches] [--languages ko,en] [--top]

Writes <page>-<language>-<width>.png, of the whole page or (--top) of what the first screen shows. The browser tests go
through `PAGES` too.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = {1280: 900, 390: 844}
LANGUAGES = ("ko", "zh-hans", "en")
PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Shot:
    """A page: its name, who looks (nobody: a visitor), and its address below the language."""

    name: str
    who: str | None
    path: str


PAGES = (
    Shot("front", None, "/"),
    Shot("search", None, "/search?q=battery"),
    Shot("search_nothing", None, "/search?q=battery&country=AQ"),
    Shot("offers", None, "/offers"),
    Shot("needs", None, "/needs"),
    Shot("offer", None, "/offers/{offer}"),
    Shot("need", None, "/needs/{need}"),
    Shot("organisations", None, "/organisations"),
    Shot("organisation", None, "/organisations/{organisation}"),
    Shot("quality", None, "/quality"),
    Shot("quality_method", None, "/quality/method"),
    Shot("sign_in", None, "/account/login/"),
    Shot("register", None, "/account/signup/"),
    Shot("password_reset", None, "/account/password/reset/"),
    Shot("mail_sent", None, "/account/confirm-email/"),
    Shot("not_found", None, "/nothing-here"),
    Shot("need_matches", "scout", "/needs/{need}/matches"),
    Shot("match", "scout", "/matches/{need}/{match}"),
    Shot("desk_company", "scout", "/desk"),
    Shot("need_new", "scout", "/needs/new"),
    Shot("need_what", "scout", "/needs/{need}/edit"),
    Shot("need_facts", "scout", "/needs/{need}/edit/facts"),
    Shot("need_readers", "scout", "/needs/{need}/edit/readers"),
    Shot("need_check", "scout", "/needs/{need}/edit/check"),
    Shot("need_manage", "scout", "/listings/{need}/manage"),
    Shot("desk_office", "officer", "/desk"),
    Shot("offer_own", "officer", "/offers/{own}"),
    Shot("offer_matches", "officer", "/offers/{own}/matches"),
    Shot("offer_facts", "officer", "/offers/{own}/edit/facts"),
    Shot("import", "officer", "/import"),
    Shot("import_preview", "officer", "/import/{previewed}"),
    Shot("import_result", "officer", "/import/{finished}"),
    Shot("settings", "officer", "/desk/settings"),
    Shot("saved_searches", "officer", "/desk/searches"),
    Shot("figures", "officer", "/desk/figures"),
    Shot("listing_figures", "officer", "/listings/{own}/figures"),
    Shot("password_change", "officer", "/account/password/change/"),
    Shot("organisation_new", "officer", "/organisations/new"),
    Shot("organisation_edit", "officer", "/organisations/{ours}/edit"),
    Shot("sign_out", "officer", "/account/logout/"),
    Shot("review", "operator", "/review"),
    Shot("weights", "operator", "/quality/weights"),
    Shot("desk_operator", "operator", "/desk"),
)


def sign_in(page: Page, base: str, who: str) -> None:
    """Press the button of a sample person on the sign-in page of a demo."""
    page.goto(f"{base}/en/account/login/")
    page.locator(f"form:has(input[value='{who}@example.org']) button").click()
    page.wait_for_url("**/desk")


def addresses(browser: Browser, base: str) -> dict[str, str]:
    """What stands for the names in the addresses, found by looking around the demo."""
    found: dict[str, str] = {}

    def note(name: str, page: Page, selector: str, pattern: str) -> None:
        links = page.locator(selector)
        for number in range(links.count()):
            if match := re.search(pattern, links.nth(number).get_attribute("href") or ""):
                found.setdefault(name, match[1])
                return

    identity = r"([0-9a-f-]{36})"
    page = browser.new_page()
    page.goto(f"{base}/en/offers")
    note("offer", page, "main a[href*='/offers/']", f"/offers/{identity}$")
    page.goto(f"{base}/en/organisations")
    note("organisation", page, "main a[href*='/organisations/']", r"/organisations/(\d+)$")
    for who, direction, own in (("scout", "needs", "need"), ("officer", "offers", "own")):
        page.context.clear_cookies()
        sign_in(page, base, who)
        note(own, page, f"main a[href*='/{direction}/']", f"/{direction}/{identity}/matches$")
        note(own, page, f"main a[href*='/{direction}/']", f"/{direction}/{identity}$")
        if own == "need" and "need" in found:
            page.goto(f"{base}/en/needs/{found['need']}/matches")
            note("match", page, ".tf-match a[href*='/offers/']", f"/offers/{identity}$")
        if who == "officer":
            note("ours", page, "main .tf-head a[href*='/organisations/']", r"/organisations/(\d+)$")
            bring_in(page, base, found)
    page.close()
    return found


def bring_in(page: Page, base: str, found: dict[str, str]) -> None:
    """One import that is looked at and one that has run."""
    table = (
        "external_id,title,summary,ipc\n"
        "S-1,River level by camera,Measures the water level of rivers within one centimetre at night,G01F 23/00\n"
        "S-1,Entered twice,The same number stands here again,G01F\n"
        "S-3,Biodegradable packaging film,A film of seaweed that degrades within ninety days,C08J 5/18\n"
    )
    for name in ("previewed", "finished"):
        page.goto(f"{base}/en/import")
        page.fill("#id_source_name", f"pictures-{name}")
        page.set_input_files("#id_file", {"name": "technologies.csv", "mimeType": "text/csv", "buffer": table.encode()})
        page.click("main form button.btn-primary")
        found[name] = page.url.rsplit("/", 1)[1]
        if name == "finished":
            page.select_option("#id_wanted_state", "draft")
            page.click("button[value=start]")
            page.locator("h1", has_text="Brought in").wait_for(timeout=60_000)


def take(base: str, folder: Path, names: set[str], languages: list[str], *, is_whole: bool) -> int:
    """Take the pictures, of whole pages or of their tops, and say how many pages could not be reached."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - optional: tests read PAGES without it

    folder.mkdir(parents=True, exist_ok=True)
    missed = 0
    with sync_playwright() as player:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = player.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        known = addresses(browser, base)
        for width, height in WIDTHS.items():
            for who in dict.fromkeys(shot.who for shot in PAGES):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
                page = context.new_page()
                if who:
                    sign_in(page, base, who)
                for shot in (s for s in PAGES if s.who == who and (not names or s.name in names)):
                    if lacking := [name for name in PLACE.findall(shot.path) if name not in known]:
                        print(f"{shot.name}: nothing found for {', '.join(lacking)}", file=sys.stderr)
                        missed += 1
                        continue
                    for language in languages:
                        page.goto(f"{base}/{language}{shot.path.format(**known)}", wait_until="networkidle")
                        page.screenshot(path=folder / f"{shot.name}-{language}-{width}.png", full_page=is_whole)
                context.close()
        browser.close()
    return missed


def run(arguments: list[str]) -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description="Take pictures of the pages of a running demo.")
    parser.add_argument("base")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", default="")
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    parser.add_argument("--top", action="store_true", help="only what the first screen shows")
    told = parser.parse_args(arguments)
    names = {name for name in told.pages.split(",") if name}
    return 1 if take(told.base.rstrip("/"), told.folder, names, told.languages.split(","), is_whole=not told.top) else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
