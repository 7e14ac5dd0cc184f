"""Searches that persons keep, and what is new in them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from transferase.catalogue.models import State
from transferase.foundation.errors import InvalidContent, NotAllowed
from transferase.foundation.models import LedgerEntry
from transferase.matching import queries, rules, services
from transferase.matching.models import SavedSearch
from transferase.matching.rules import Filters, SearchDraft

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("words_only")]

ALGAE = SearchDraft(name="Algae", text="microalgae", direction="offer", language="ko")


@pytest.fixture
def person(make_person):
    return make_person()


@pytest.fixture
def save(person, at):
    def run(draft=ALGAE, **told):
        return services.save_search(**{"actor": person, "person": person, "draft": draft, "at": at, **told})

    return run


def test_a_search_is_kept_with_words_and_filters(save, person, viewer, fence):
    filters = Filters(countries=("KR", "CN"), trl_low=4, trl_high=6, ipc="C12M")
    with fence:
        saved = save(
            SearchDraft(name="  미세조류  \n 배양 ", text="광생물반응기\n해양", filters=filters, language="ko")
        )

    saved.refresh_from_db()
    assert (saved.name, saved.text, saved.direction) == ("미세조류 배양", "광생물반응기 해양", "")
    assert rules.read_filters(saved.filters) == filters
    assert queries.saved_searches(viewer(person)) == [saved]
    entry = LedgerEntry.objects.get(action="matching.search.saved")
    assert (entry.subject, entry.facts) == (f"matching.SavedSearch:{saved.pk}", {}), "no words in the ledger"


def test_every_filter_survives_being_kept(at):
    filters = Filters(
        fields=("1",),
        ipc="H01M",
        trl_low=1,
        trl_high=9,
        countries=("KR",),
        transfer_modes=("licence",),
        languages=("ko",),
        organisation_id=7,
        published_since=at,
    )
    stored = rules.stored_filters(filters)
    assert "published_since" not in stored, "the time is that of the last look"
    assert rules.read_filters({**stored, "no_longer_known": 1}, published_since=at) == filters


def test_nobody_reads_or_changes_the_searches_of_others(save, make_person, viewer, at):
    saved, other = save(), make_person()
    assert queries.saved_searches(viewer(other)) == []
    assert list(SavedSearch.objects.visible_to(viewer())) == []
    for act in (
        lambda: services.revise_search(actor=other, search=saved, draft=ALGAE, at=at),
        lambda: services.forget_search(actor=other, search=saved, at=at),
        lambda: services.look_at_search(actor=other, search=saved, at=at),
        lambda: save(actor=other),
        lambda: services.subscribe(
            actor=other, person=saved.person, rhythm="daily", most_items=10, most_letters=7, at=at
        ),
        lambda: services.unsubscribe(actor=other, person=saved.person, at=at),
    ):
        with pytest.raises(NotAllowed):
            act()


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (SearchDraft(name=" "), "name"),
        (SearchDraft(name="x" * 101), "name"),
        (SearchDraft(name="x", text="y" * 20_001), "text"),
        (SearchDraft(name="x", direction="both"), "direction"),
        (SearchDraft(name="x", language="fr"), "language"),
    ],
)
def test_what_breaks_the_rules_is_named(save, draft, field):
    with pytest.raises(InvalidContent) as refused:
        save(draft)
    assert [problem.field for problem in refused.value.facts["problems"]] == [field]


def test_a_name_is_used_once_by_a_person(save, make_person, at):
    save()
    with pytest.raises(rules.NameTaken):
        save()
    other = make_person()
    assert save(actor=other, person=other).pk
    second = save(SearchDraft(name="Other"))
    with pytest.raises(rules.NameTaken):
        services.revise_search(actor=second.person, search=second, draft=ALGAE, at=at)


def test_there_is_an_end_to_searches(save):
    for number in range(50):
        save(SearchDraft(name=f"{number}"))
    with pytest.raises(rules.TooManySearches):
        save(SearchDraft(name="one more"))


def test_a_search_can_be_revised_and_deleted(save, person, fence, at):
    saved = save()
    with fence:
        services.revise_search(actor=person, search=saved, draft=SearchDraft(name="Batteries", text="电池"), at=at)
        assert SavedSearch.objects.get().text == "电池"
        services.forget_search(actor=person, search=saved, at=at)
    assert not SavedSearch.objects.exists()
    done = set(LedgerEntry.objects.values_list("action", flat=True))
    assert {"matching.search.revised", "matching.search.forgotten"} <= done


def test_new_is_what_was_published_since_the_last_look(save, person, make_offer, index, viewer, at):
    saved = save()
    old, fresh = make_offer(at=at - timedelta(days=1)), make_offer(published_at=at + timedelta(hours=1))
    hidden = make_offer(published_at=at + timedelta(hours=1), state=State.DRAFT)
    index(old, fresh, hidden)

    later = at + timedelta(hours=2)
    assert queries.new_count(saved, viewer(person), later) == 1
    found = queries.search(
        viewer=viewer(person), at=later, text="microalgae", filters=Filters(published_since=at), language="en"
    )
    assert [hit.listing_id for hit in found.hits] == [fresh.pk]
    newest = queries.search(viewer=viewer(person), at=later, filters=Filters(published_since=at))
    assert ([hit.listing_id for hit in newest.hits], newest.total) == ([fresh.pk], 1)

    light = queries.search(
        viewer=viewer(person),
        at=later,
        text="microalgae",
        filters=Filters(published_since=at),
        language="en",
        is_counted=False,
    )
    assert ([hit.listing_id for hit in light.hits], light.total, light.facets) == ([fresh.pk], found.total, {})
    everything = services.save_search(actor=person, person=person, draft=SearchDraft(name="All"), at=at)
    assert queries.new_count(everything, viewer(person), later) == 1

    services.look_at_search(actor=person, search=saved, at=later)
    assert queries.new_count(saved, viewer(person), later) == 0


def test_a_private_text_makes_nothing_new_for_others(save, person, make_offer, make_person, index, viewer, at):
    saved = save(SearchDraft(name="Secret", text="perchlorate"))
    text = {"language": "en", "tier": "nda", "title": "x", "summary": "A perchlorate process."}
    offer = make_offer(published_at=at + timedelta(hours=1), texts=[text])
    index(offer)
    later = at + timedelta(hours=2)
    assert queries.new_count(saved, viewer(person), later) == 0
    member = make_person(organisation=offer.owner)
    assert queries.new_count(saved, viewer(member), later) == 1


def test_the_searches_go_with_the_person(save, person):
    save()
    person.delete()
    assert not SavedSearch.objects.exists()
