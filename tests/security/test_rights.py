"""Who may do what for whom, tried at the doors: nobody acts for others, nobody makes himself more than he is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from transferase.catalogue.models import Direction, Listing, State
from transferase.directory import services as directory
from transferase.directory.models import AccessToken, Membership, Role
from transferase.directory.rules import Permission
from transferase.matching.models import Judgement, Match

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from transferase.directory.models import Organisation, Person


@pytest.fixture
def member(make_person: Callable[..., Person]) -> Person:
    return make_person(role=Role.COMPANY_USER)


@pytest.fixture
def own(member: Person) -> Organisation:
    organisation: Organisation = member.memberships.get().organisation
    return organisation


@pytest.fixture
def call(member: Person, at: datetime) -> Callable[..., Any]:
    """The API through a key of the member with every scope there is."""
    _token, secret = directory.issue_token(
        actor=member, person=member, name="all", scopes=[str(p) for p in Permission],
        expires_at=at + timedelta(days=9), at=at,
    )  # fmt: skip

    def ask(method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {secret}"}
        told = {"data": body, "content_type": "application/json"} if body is not None else {}
        return getattr(Client(), method)(f"/api/v1{path}", headers=headers, **told)

    return ask


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.REVIEWER, "", "superuser"])
def test_a_member_makes_nobody_more_than_a_member(
    member: Person, own: Organisation, visit: Callable[..., Client], make_person: Callable[..., Person], role: str
) -> None:
    colleague = make_person()
    for email in (colleague.email, member.email):
        form = {"form": "colleague", "email": email, "role": role}
        assert visit(member).post(f"/en/organisations/{own.pk}/edit", form).status_code == 422
    assert not Membership.objects.filter(role__in=[Role.OPERATOR, Role.REVIEWER, "", "superuser"]).exists()


def test_nobody_joins_or_changes_or_verifies_the_organisation_of_others(
    member: Person, own: Organisation, visit: Callable[..., Client], make_person: Callable[..., Person], at: datetime
) -> None:
    other = make_person(role=Role.TRANSFER_OFFICER)
    theirs = other.memberships.get().organisation
    client = visit(member)
    join = {"form": "colleague", "email": member.email, "role": "company_user"}
    change = {"form": "organisation", "name-en": "Mine now", "kind": "other", "country": "KR"}
    for form in (join, change):
        assert client.post(f"/en/organisations/{theirs.pk}/edit", form).status_code == 403
    for organisation in (own, theirs):
        type(own).objects.filter(pk=own.pk).update(verified_at=None)
        assert client.post(f"/en/organisations/{organisation.pk}/verify").status_code == 403
    assert client.post(f"/en/desk/memberships/{other.memberships.get().pk}/end").status_code == 404
    own.refresh_from_db()
    assert not own.is_verified
    assert theirs.name() != "Mine now"
    assert list(theirs.memberships.values_list("person", "ends_at")) == [(other.pk, None)]


def test_keys_are_their_persons_own_and_no_wider(
    member: Person, visit: Callable[..., Client], make_person: Callable[..., Person], at: datetime
) -> None:
    other = make_person(role=Role.COMPANY_USER)
    token, _secret = directory.issue_token(
        actor=other, person=other, name="k", scopes=["catalogue:listing:read"], expires_at=at + timedelta(days=9), at=at
    )
    client = visit(member)
    assert client.post(f"/en/desk/settings/keys/{token.pk}/revoke").status_code == 404
    form = {"form": "token", "name": "x", "lifetime": "30", "scopes": ["catalogue:listing:review"]}
    assert client.post("/en/desk/settings", form).status_code == 422
    assert AccessToken.objects.get().revoked_at is None


def test_a_post_for_others_is_refused(
    member: Person, own: Organisation, visit: Callable[..., Client], make_organisation: Callable[..., Organisation]
) -> None:
    other = make_organisation()
    form = {"title": "T", "summary": "S", "language": "en", "owner": str(other.pk)}
    visit(member).post("/en/offers/new", form)
    assert list(Listing.objects.values_list("owner", flat=True)) in ([], [own.pk])


def test_calls_for_others_are_refused(
    call: Callable[..., Any], make_listing: Callable[..., Listing], make_organisation: Callable[..., Organisation]
) -> None:
    theirs = make_listing()
    content = {"direction": "offer", "texts": [{"language": "en", "title": "T", "summary": "S"}]}
    assert call("post", "/listings", {**content, "organisation": theirs.owner_id}).status_code == 403
    assert call("post", "/listings", {**content, "organisation": 10**9}).status_code == 403
    text = [{"language": "en", "title": "Mine"}]
    assert call("patch", f"/listings/{theirs.pk}", {"texts": text}).status_code == 403
    assert call("put", f"/listings/{theirs.pk}", {"texts": text}).status_code == 403
    for act in ("submit", "pause", "resume", "confirm"):
        assert call("post", f"/listings/{theirs.pk}/{act}").status_code == 403
    assert call("post", f"/listings/{theirs.pk}/withdraw", {"reason": "other"}).status_code == 403
    Listing.objects.filter(pk=theirs.pk).update(state=State.PAUSED)
    for act in ("submit", "pause", "resume", "confirm"):
        assert call("post", f"/listings/{theirs.pk}/{act}").status_code == 404
    assert Listing.objects.count() == 1


def test_a_match_is_judged_by_its_sides_only(
    call: Callable[..., Any], member: Person, visit: Callable[..., Client], make_listing: Callable[..., Listing]
) -> None:
    need, offer = make_listing(direction=Direction.NEED), make_listing()
    Match.objects.create(need=need, offer=offer, score=0.7, engine_version="1")
    said = {"verdict": "interesting"}
    assert call("post", f"/listings/{need.pk}/matches/{offer.pk}/judgement", said).status_code == 403
    for side in ("need", "offer"):
        visit(member).post(f"/en/matches/{need.pk}/{offer.pk}", {**said, "side": side})
    assert not Judgement.objects.exists()


def test_who_left_or_was_closed_out_does_nothing_more(
    call: Callable[..., Any], member: Person, own: Organisation, visit: Callable[..., Client],
    make_listing: Callable[..., Listing], at: datetime,
) -> None:  # fmt: skip
    listing = make_listing(owner=own, state=State.DRAFT)
    client = visit(member)
    assert client.get(f"/en/offers/{listing.pk}/edit").status_code == 200
    own.memberships.update(ends_at=at)
    assert client.get(f"/en/offers/{listing.pk}/edit").status_code == 404
    assert client.post(f"/en/listings/{listing.pk}/manage/discard").status_code == 404
    assert call("get", f"/listings/{listing.pk}").status_code == 404
    type(member).objects.filter(pk=member.pk).update(is_active=False)
    assert client.get("/en/desk").status_code == 302
    assert call("get", "/listings").status_code == 401


def test_pages_do_not_act_on_a_link_alone(
    member: Person, own: Organisation, make_listing: Callable[..., Listing]
) -> None:
    """Following a link changes nothing, and a form from elsewhere is refused."""
    listing = make_listing(owner=own)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(member)
    acts = [f"/en/listings/{listing.pk}/manage/pause", "/en/desk/seen", f"/en/listings/{listing.pk}/access"]
    acts += [f"/en/desk/memberships/{own.memberships.get().pk}/end", f"/en/organisations/{own.pk}/verify"]
    for address in acts:
        assert strict.get(address).status_code == 405
        assert strict.post(address).status_code == 403
    for address in ("/en/import", "/en/offers/new", "/en/desk/settings", f"/en/organisations/{own.pk}/edit"):
        assert strict.post(address, {"form": "person", "name": "x", "language": "en"}).status_code == 403
    listing.refresh_from_db()
    assert listing.state == State.PUBLISHED
    visitor = Client()
    visitor.get("/en/account/login/", {"login": member.email, "password": "x"})
    assert "_auth_user_id" not in visitor.session
