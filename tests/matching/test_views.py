"""Matches as they are shown: quotes that still stand, points that sum, constant cost."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.matching.conftest import ALGAE_WANTED_EN
from transferase.catalogue.models import Classification
from transferase.catalogue.rules import ListingDraft, TextDraft
from transferase.directory.models import Role
from transferase.directory.rules import ANYONE
from transferase.matching import queries, rules
from transferase.matching.models import Match, Sentence

pytestmark = pytest.mark.django_db


@pytest.fixture
def english_pair(make_offer, make_need, index, propose):
    """A pair in one language with the same classification."""
    offer = make_offer(ipc=["C12M 1/00"], trl_low=5, trl_high=6)
    need = make_need(language="en", ipc=["C12M 1/04"], trl_low=4, trl_high=6, **ALGAE_WANTED_EN)
    index(offer, need)
    propose(need)
    return need, offer


@pytest.fixture
def shown(english_pair, make_person, viewer, at):
    need, _ = english_pair
    seeker = viewer(make_person(organisation=need.owner))
    return lambda: queries.matches_of(need, seeker, at)[0]


def codes(match):
    return [reason.code for reason in match.because]


def quotes(match):
    for reason in match.because:
        pairs = reason.facts.get("terms", [reason.facts])
        for pair in pairs:
            if "need" in pair:
                yield from (pair["need"], pair["offer"])


def test_points_of_parts_sum_to_the_points_of_the_match(shown):
    match = shown()
    assert sum(part.points for part in match.parts) == match.score
    assert {part.name for part in match.parts} == set(rules.PARTS)
    assert all(0 <= part.value <= 1 for part in match.parts)


def test_every_quote_stands_where_it_says_in_both_texts(english_pair, shown):
    need, offer = english_pair
    match = shown()
    assert {"sentence_pair", "shared_terms", "shared_field", "readiness_fits"} <= set(codes(match))
    texts = {side: listing.texts.get() for side, listing in (("need", need), ("offer", offer))}
    told = [reason.facts for reason in match.because if reason.code == "sentence_pair"]
    told += [term for reason in match.because if reason.code == "shared_terms" for term in reason.facts["terms"]]
    for facts in told:
        for side, text in texts.items():
            quote = facts[side]
            assert getattr(text, quote["field"])[quote["start"] : quote["end"]] == quote["text"] != ""
            assert quote["is_machine_made"] is False


def test_a_match_stores_no_words_of_its_quotes(shown):
    texts = [quote["text"] for quote in quotes(shown()) if len(quote["text"]) > 20]
    stored = str(Match.objects.get().because)
    assert texts
    assert not any(text in stored for text in texts)


def test_a_reason_goes_when_its_evidence_is_removed(english_pair, shown):
    _, offer = english_pair
    text = offer.texts.get()
    quoted = {reason.facts["offer"]["text"] for reason in shown().because if reason.code == "sentence_pair"}
    text.summary = "Something else is said here now, in other words than before."
    text.save()
    assert "sentence_pair" not in codes(shown())
    assert quoted

    Classification.objects.filter(listing=offer).delete()
    assert "shared_field" not in codes(shown())
    type(offer).objects.filter(pk=offer.pk).update(trl_low=None, trl_high=None)
    assert "readiness_fits" not in codes(shown())


def test_a_quote_of_a_text_that_is_private_now_is_not_shown(english_pair, shown):
    _, offer = english_pair
    offer.texts.update(tier="registered")
    assert not {"sentence_pair", "shared_terms"} & set(codes(shown()))


def test_shared_words_of_a_machine_made_text_are_marked(make_offer, make_need, index, propose, make_person, viewer, at):
    text = {
        "language": "ko",
        "origin": "machine",
        "title": "해양 미세조류 광생물반응기",
        "summary": "바닷물을 재사용한다.",
    }
    offer, need = make_offer(texts=[text]), make_need()
    index(offer, need)
    propose(need)

    (match,) = queries.matches_of(need, viewer(make_person(organisation=need.owner)), at)

    assert "words" not in match.missing, "they were compared"
    (shared,) = [reason for reason in match.because if reason.code == "shared_terms"]
    assert shared.facts["language"] == "ko"
    assert {(term["need"]["is_machine_made"], term["offer"]["is_machine_made"]) for term in shared.facts["terms"]} == {
        (False, True)
    }


def test_words_are_compared_in_the_language_that_both_were_written_in(
    make_offer, make_need, index, propose, make_person, viewer, at
):
    made = {"language": "ko", "origin": "machine", "title": "해양 미세조류 배양", "summary": "바닷물을 재사용한다."}
    offer = make_offer(texts=[made])
    need = make_need(language="en", texts=[made], **ALGAE_WANTED_EN)
    index(offer, need)
    propose(need)

    (match,) = queries.matches_of(need, viewer(make_person(organisation=need.owner)), at)

    assert next(reason.facts["language"] for reason in match.because if reason.code == "shared_terms") == "en"


def test_translations_on_both_sides_give_words_for_each_reader(
    make_offer, make_need, index, propose, make_person, viewer, at
):
    english = {
        "language": "en",
        "origin": "machine",
        "title": "Marine microalgae",
        "summary": "Photobioreactor wanted.",
    }
    korean = {"language": "ko", "origin": "machine", "title": "해양 미세조류 광생물반응기", "summary": "바닷물 재사용"}
    offer, need = make_offer(texts=[korean]), make_need(texts=[english])
    index(offer, need)
    propose(need)

    (match,) = queries.matches_of(need, viewer(make_person(organisation=need.owner)), at)

    assert {reason.facts["language"] for reason in match.because if reason.code == "shared_terms"} == {"ko", "en"}


@pytest.fixture
def far_apart(index, propose):
    """Change what an offer says below its title to something that no sentence of the need comes near."""

    def change(offer, need):
        index(offer, need)
        propose(need)
        assert Match.objects.exists()
        _change(offer)
        index(offer)
        return propose(need)

    return change


def _change(offer):
    # No concept of the glossary that the need speaks of, either.
    type(offer.texts.get()).objects.filter(listing=offer).update(
        title="Photobioreactor for the mass culture of phytoplankton",
        summary="Delivery takes eleven weeks. The seller visits the buyer twice a year.",
    )
    type(offer).objects.filter(pk=offer.pk).update(version=2)


def test_the_nearest_sentences_are_shown_even_when_they_are_far_apart(
    far_apart, make_offer, make_need, make_person, viewer, at
):
    offer, need = make_offer(trl_low=5, trl_high=6), make_need(trl_low=4, trl_high=6)
    assert far_apart(offer, need), "the title and the stated readiness should still match"

    (match,) = queries.matches_of(need, viewer(make_person(organisation=need.owner)), at)

    assert codes(match).count("sentence_pair") == 1
    assert {quote["language"] for quote in quotes(match)} == {"ko", "en"}


def test_what_nothing_explains_is_no_match(far_apart, make_offer, make_need, at):
    offer, need = make_offer(), make_need()
    assert far_apart(offer, need) == []
    assert not Match.objects.exists()


def test_without_sentences_to_compare_nobody_knows_whether_something_explains_a_match(
    far_apart, make_offer, make_need, propose
):
    offer, need = make_offer(), make_need()
    far_apart(offer, need)
    Sentence.objects.filter(listing=offer).delete()
    assert len(propose(need)) == 1


def test_codes_are_those_that_doors_know(english_pair, shown):
    match = shown()
    assert set(codes(match)) <= set(rules.REASONS)
    assert {misfit.code for misfit in match.misfits} <= set(rules.MISFITS)
    assert set(match.missing) <= set(rules.MISSING)
    assert set(match.excluded_by) <= set(rules.EXCLUSIONS)


def test_both_sides_a_reviewer_and_nobody_else(english_pair, make_person, viewer, at):
    need, offer = english_pair
    officer = viewer(make_person(organisation=offer.owner))
    reviewer = viewer(make_person(role=Role.REVIEWER))
    assert queries.match_between(need, offer, officer, at).counterpart_id == need.pk
    assert queries.match_between(need, offer, reviewer, at).counterpart_id == offer.pk
    assert queries.match_between(need, offer, ANYONE, at) is None
    assert queries.count_of(need, officer, at) == queries.count_of(offer, officer, at) == 1
    assert queries.count_of(need, ANYONE, at) == 0
    assert queries.match_counts([need.pk, offer.pk], officer, at) == {need.pk: 1, offer.pk: 1}
    assert [match.offer_id for match in queries.best_matches(officer, at)] == [offer.pk]
    assert queries.best_matches(ANYONE, at) == []


def test_matches_are_shown_in_a_constant_number_of_queries(
    make_offer, make_need, index, propose, make_person, viewer, at
):
    need = make_need()
    index(need, make_offer())
    propose(need)
    seeker = viewer(make_person(organisation=need.owner))
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            queries.matches_of(need, seeker, at)
        counts.append(len(asked))
        index(make_offer(), make_offer())
        propose(need)
    assert counts[0] == counts[1]


def test_a_draft_is_compared_while_it_is_written(make_offer, index, at):
    offer = make_offer(texts=[{"language": "ko", "origin": "human", "title": "미세조류 광생물반응기"}])
    index(offer, make_offer(title="Bone saw", summary="A quiet oscillating saw for surgeons."))
    draft = ListingDraft(direction="need", texts=(TextDraft(language="en", **ALGAE_WANTED_EN),))

    (match,) = queries.matches_for_text(viewer=ANYONE, at=at, draft=draft, language="ko")

    assert (match.listing_id, match.language) == (offer.pk, "en")
    assert (match.title, match.title_language) == ("미세조류 광생물반응기", "ko")
    assert match.score >= 50
    assert "shared_terms" in codes(match)


def test_the_preview_of_a_draft_has_the_score_of_the_match(english_pair, shown, at):
    from transferase.catalogue.queries import draft_of

    need, _ = english_pair
    (match,) = queries.matches_for_text(viewer=ANYONE, at=at, draft=draft_of(need), language="en")
    assert match.score == shown().score


def test_an_empty_draft_matches_nothing(make_offer, index, at):
    index(make_offer())
    for direction in ("need", "offer"):
        draft = ListingDraft(direction=direction, texts=(TextDraft(language="en"),))
        assert queries.matches_for_text(viewer=ANYONE, at=at, draft=draft, language="en") == []


def test_an_offer_can_be_compared_while_it_is_written(make_need, index, at):
    from tests.matching.conftest import ALGAE

    need = make_need()
    index(need)
    draft = ListingDraft(direction="offer", texts=(TextDraft(language="en", **ALGAE),))
    assert [m.listing_id for m in queries.matches_for_text(viewer=ANYONE, at=at, draft=draft, language="en")] == [
        need.pk
    ]
