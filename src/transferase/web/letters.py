"""Letters about news: what a digest says, in its reader's language, and how it leaves the house."""

from __future__ import annotations

import contextlib
import logging
import smtplib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from transferase.directory.queries import viewer_of
from transferase.foundation.ledger import SYSTEM
from transferase.matching import queries, services
from transferase.matching.models import DigestState
from transferase.web import reasons
from transferase.web.asked import Asked
from transferase.web.cards import cards
from transferase.web.search import reasons_of
from transferase.web.stopping import stop_address

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from transferase.directory.rules import Viewer
    from transferase.matching.models import Digest, SavedSearch
    from transferase.matching.queries import DigestContents, MatchView
    from transferase.web.cards import Card

log = logging.getLogger("transferase.web")

LONGEST_QUOTE: Final = 140
LONGEST_SUBJECT: Final = 80


@dataclass(frozen=True)
class Item:
    """One piece of news: a listing, where to read on, and why it is told, in one line."""

    title: str
    language: str
    address: str
    kind: str
    why: str
    own: str = ""
    own_language: str = ""


@dataclass(frozen=True)
class Section:
    """News of one kind, and how much more there is."""

    heading: str
    items: tuple[Item, ...]
    more: int = 0
    more_address: str = ""


def deliver(digest_id: int) -> bool:
    """Send one letter that is due and settle it; False when the mail server cannot be reached.

    From `start_sending` on nobody can know whether the letter arrived, so whatever is unclear after that is not
    repeated; what surely did not leave is tried again.
    """
    digest = services.claim_digest(actor=SYSTEM, digest_id=digest_id, at=timezone.now())
    if digest is None:
        return True
    try:
        message = _in_words(digest)
    except Exception as error:  # a letter that cannot be written must not keep the others back
        log.exception("letter %s cannot be put into words", digest_id)
        services.postpone_digest(actor=SYSTEM, digest=digest, trouble=_trouble(error), at=timezone.now())
        return True
    if message is None:
        services.settle_digest(actor=SYSTEM, digest=digest, state=DigestState.EMPTY, at=timezone.now())
        return True
    message.connection = get_connection()
    try:
        message.connection.open()
    except (OSError, smtplib.SMTPException) as error:
        services.postpone_digest(actor=SYSTEM, digest=digest, trouble=_trouble(error), at=timezone.now())
        return False
    try:
        _send(digest, message)
    finally:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            message.connection.close()
    return True


def _in_words(digest: Digest) -> EmailMultiAlternatives | None:
    at = timezone.now()
    viewer = viewer_of(digest.person, at)
    contents = queries.contents_of(digest, viewer, at)
    return None if contents.is_empty else letter(digest, contents, viewer, at)


def _send(digest: Digest, message: EmailMultiAlternatives) -> None:
    if not services.start_sending(actor=SYSTEM, digest=digest, at=timezone.now()):
        return
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _answer in error.recipients.values()]
        refused = services.refuse_digest if min(codes) >= 500 else services.postpone_digest
        refused(actor=SYSTEM, digest=digest, trouble=f"SMTP {codes[0]}", at=timezone.now())
    except smtplib.SMTPDataError as error:
        refused = services.refuse_digest if error.smtp_code >= 500 else services.postpone_digest
        refused(actor=SYSTEM, digest=digest, trouble=_trouble(error), at=timezone.now())
    except (smtplib.SMTPResponseException, smtplib.SMTPNotSupportedError) as error:
        services.postpone_digest(actor=SYSTEM, digest=digest, trouble=_trouble(error), at=timezone.now())
    except (OSError, smtplib.SMTPException) as error:
        state, trouble = DigestState.UNSURE, _trouble(error)
        services.settle_digest(actor=SYSTEM, digest=digest, state=state, trouble=trouble, at=timezone.now())
    else:
        services.settle_digest(actor=SYSTEM, digest=digest, state=DigestState.SENT, at=timezone.now())


def _trouble(error: Exception) -> str:
    """What went wrong, without the words of the server, which may name the reader."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"SMTP {error.smtp_code}"
    return type(error).__name__


def letter(digest: Digest, contents: DigestContents, viewer: Viewer, at: datetime) -> EmailMultiAlternatives:
    """The letter in the language of its reader, as plain text and as HTML, with a way out in its head."""
    person = digest.person
    with translation.override(person.language.lower()):
        sections = _sections(contents, viewer, at, person.language)
        items = [item for section in sections for item in section.items]
        stop = site(stop_address(person))
        page = {
            "sections": sections,
            "language": person.language,
            "desk_address": site(reverse("desk")),
            "settings_address": site(reverse("saved_searches")),
            "stop_address": stop,
        }
        message = EmailMultiAlternatives(
            subject=_subject(items),
            body=render_to_string("matching/digest_letter.txt", page),
            to=[person.email],
            headers={
                "Message-ID": digest.message_id,
                "List-Unsubscribe": f"<{stop}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "Auto-Submitted": "auto-generated",
                "Content-Language": person.language,
            },
        )
        message.attach_alternative(render_to_string("matching/digest_letter.html", page), "text/html")
    return message


def site(address: str) -> str:
    """An address as it works from outside."""
    return f"{settings.PUBLIC_URL}{address}"


def _subject(items: list[Item]) -> str:
    title = " ".join(items[0].title.split())
    if len(title) > LONGEST_SUBJECT:
        title = f"{title[: LONGEST_SUBJECT - 1]}…"
    others = len(items) - 1
    if not others:
        return _("News: %(title)s") % {"title": title}
    return ngettext("News: %(title)s, and %(n)d more", "News: %(title)s, and %(n)d more", others) % {
        "title": title,
        "n": others,
    }


def _sections(contents: DigestContents, viewer: Viewer, at: datetime, language: str) -> list[Section]:
    views = [*contents.interests, *contents.matches]
    ids = [listing for view in views for listing in (view.listing_id, view.counterpart_id)]
    ids += [found.listing_id for news in contents.searches for found in news.found]
    known = cards(ids, viewer=viewer, at=at, language=language)
    desk = site(reverse("desk"))
    sections = [
        Section(_("The other side is interested"), _match_items(contents.interests, known, language)),
        Section(
            _("New matches of your listings"),
            _match_items(contents.matches, known, language),
            contents.more_matches,
            desk,
        ),
    ]
    for news in contents.searches:
        items = tuple(
            Item(
                title=known[found.listing_id].title.text,
                language=known[found.listing_id].title.language,
                address=site(known[found.listing_id].address),
                kind=_kind(known[found.listing_id]),
                why=" · ".join(reasons_of(found.hit, language)) if found.hit else "",
            )
            for found in news.found
            if found.listing_id in known
        )
        heading = _("New for your search “%(name)s”") % {"name": news.search.name}
        sections.append(Section(heading, items, news.more, site(_address_of(news.search))))
    return [section for section in sections if section.items]


def _address_of(search: SavedSearch) -> str:
    """The results of a saved search; a text that no address holds is looked up by whoever signs in."""
    asked = Asked.from_saved(search)
    return asked.address() if asked.fits_address else reverse("saved_search_open", args=[search.pk])


def _match_items(views: tuple[MatchView, ...], known: dict[UUID, Card], language: str) -> tuple[Item, ...]:
    return tuple(
        Item(
            title=known[view.counterpart_id].title.text,
            language=known[view.counterpart_id].title.language,
            address=site(reverse("match", args=[view.need_id, view.offer_id])),
            kind=_kind(known[view.counterpart_id]),
            why=why(view, language),
            own=known[view.listing_id].title.text,
            own_language=known[view.listing_id].title.language,
        )
        for view in views
        if view.counterpart_id in known and view.listing_id in known
    )


def why(view: MatchView, language: str) -> str:
    """Why two listings go together, in one line: what fits best, and what speaks against it."""
    told = reasons.fits(view.because, language)[:1]
    if not told:
        told = [
            _("It says: “%(sentence)s”") % {"sentence": _cut(str(reason.facts[_side(view)]["text"]))}  # type: ignore[index]
            for reason in view.because
            if reason.code == "sentence_pair"
        ][:1]
    against = [reasons.misfit(misfit.code, misfit.facts) for misfit in view.misfits][:1]
    points = _("%(n)d of 100") % {"n": view.score}
    return " · ".join([points, *told, *against])


def _side(view: MatchView) -> str:
    return "offer" if view.counterpart_id == view.offer_id else "need"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 1]}…"


def _kind(card: Card) -> str:
    kind = _("Offer") if card.direction == "offer" else _("Need")
    return " · ".join(filter(None, (kind, card.country)))
