"""Quality on the sample records, and that what is evaluated in memory is what the database gives."""

from __future__ import annotations

import json

import numpy as np
import pytest
from django.conf import settings

from transferase.catalogue.models import Listing
from transferase.catalogue.queries import draft_of
from transferase.catalogue.rules import ListingDraft, TextDraft
from transferase.catalogue.services import Incoming, record_batch
from transferase.engine.ranking import (
    Collection,
    JudgedText,
    NeedFacts,
    OfferFacts,
    Role,
    default_means,
    embed_parts,
    load_weights,
    read_judged,
    score_pair,
    unit,
)
from transferase.engine.text import ENGLISH, normalise
from transferase.foundation.ledger import SYSTEM
from transferase.interchange import services as interchange
from transferase.matching import _model as model
from transferase.matching import _statistics as statistics
from transferase.matching import queries, services
from transferase.matching._previews import ranking_of
from transferase.matching._reach import public_reach
from transferase.matching._scoring import score_of, subject_of, text_fits

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SAMPLES = settings.PACKAGE / "samples"
FILES = {
    "organisations.jsonl": "organisations",
    "kipo_patents.jsonl": "offers",
    "chinaxiv_results.jsonl": "offers",
    "sbir_awards.jsonl": "offers",
    "sbir_topics.jsonl": "needs",
}
LEAST = {"en": 22, "ko": 14, "zh": 18}
LANGUAGE = {"en": "en", "ko": "ko", "zh": "zh-Hans"}


class Remembering:
    """The model of this process; a text that both ways of measuring ask for is embedded once."""

    def __init__(self, real):
        self.real, self.held = real, {}
        self.name, self.model_version, self.dimension = real.name, real.model_version, real.dimension

    def embed(self, texts, role):
        new = [text for text in dict.fromkeys(texts) if (role, text) not in self.held]
        for text, vector in zip(new, self.real.embed(new, role), strict=True):
            self.held[role, text] = vector
        return np.array([self.held[role, text] for text in texts], np.float32).reshape(len(texts), self.dimension)


@pytest.fixture
def embedder(monkeypatch):
    real = model.embedder()
    if real is None:
        pytest.fail("no embedding model can be had")
    remembering = Remembering(real)
    monkeypatch.setitem(model._loaded, settings.EMBEDDING, remembering)
    return remembering


def known_offers(data):
    """The sample needs whose award is among the sample offers, with what they say below their title, by language."""
    for line in (data / "demo" / "needs.jsonl").read_text(encoding="utf-8").splitlines():
        need = json.loads(line)
        if need.get("known_offers"):
            told = {"en": need["summary"]}
            told |= {language: text["summary"] for language, text in need.get("translations", {}).items()}
            yield need["known_offers"], told


def found_among_ten(needs, language, at):
    ids = dict(Listing.objects.values_list("pk", "external_id"))
    found = asked = 0
    for known, told in needs:
        if language not in told:
            continue
        asked += 1
        text = TextDraft(language=LANGUAGE[language], summary=told[language])
        draft = ListingDraft(direction="need", texts=(text,), original_language=LANGUAGE[language])
        first = [ids[listing] for listing, _ in ranking_of(draft, at)[:10]]
        found += bool(set(known) & set(first))
    return found, asked


def test_a_sample_need_finds_its_known_offer_in_three_languages(data, settings, tmp_path, at):
    settings.MEDIA_ROOT = tmp_path
    for name, kind in FILES.items():
        run = interchange.receive(
            actor=SYSTEM,
            organisation=None,
            source_name="samples",
            kind=kind,
            file=SAMPLES / name,
            file_name=name,
            at=at,
        )
        assert interchange.bring_in(actor=SYSTEM, run=run, at=at).rejected == 0
    services.rebuild(actor=SYSTEM, at=at, with_quotes=False)
    needs = list(known_offers(data))

    for language, least in LEAST.items():
        found, asked = found_among_ten(needs, language, at)
        assert asked >= 25
        assert found >= least, f"{language}: {found} of {asked}"


def demo_set(data):
    """The sample records with their original texts only."""
    read = {}
    for name in ("needs", "offers"):
        lines = (data / "demo" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        read[name] = [JudgedText(row["id"], row["summary"], LANGUAGE[row["lang"]]) for row in map(json.loads, lines)]
    return read["needs"], read["offers"]


def sbir_set(data):
    """Thirty judged needs and a hundred offers, text only."""
    judged = read_judged(data / "sbir", text_only=True)
    wanted = {offer for need in judged.needs[:30] for offer in judged.relevance[need.id]}
    offers = [offer for offer in judged.offers if offer.id in wanted]
    return judged.needs[:30], offers + [offer for offer in judged.offers if offer.id not in wanted][: 100 - len(offers)]


def record_texts(texts, direction, owner, at):
    rows = [
        Incoming(
            ListingDraft(
                direction=direction,
                texts=(TextDraft(language=text.language or ENGLISH, title=".", summary=".", description=text.text),),
                original_language=text.language or ENGLISH,
                source="judged",
                external_id=text.id,
            ),
            owner.pk,
        )
        for text in texts
    ]
    outcome = record_batch(actor=SYSTEM, source="judged", rows=rows, at=at, publish=True)
    assert not [row.problems for row in outcome.rows if row.problems]


@pytest.mark.parametrize("judged_set", [demo_set, sbir_set])
def test_the_database_ranks_as_the_evaluation_does(judged_set, data, make_organisation, embedder, at):
    needs, offers = judged_set(data)
    record_texts(needs, "need", make_organisation(), at)
    record_texts(offers, "offer", make_organisation(), at)
    services.rebuild(actor=SYSTEM, at=at, with_quotes=False)
    ids = dict(Listing.objects.values_list("pk", "external_id"))
    now = statistics.current()

    # Title and summary "." have no word, but both ways of measuring embed them.
    texts = [
        JudgedText(text.id, f".\n.\n{normalise(text.text)}", text.language or ENGLISH) for text in (*needs, *offers)
    ]
    asked, given = texts[: len(needs)], texts[len(needs) :]
    weights = load_weights()
    collection = Collection(given, embedder, weights, default_means())
    raw = embed_parts(embedder, [need.text for need in asked], Role.QUERY)
    numbers = {offer.id: number for number, offer in enumerate(given)}
    compared = 0
    for listing in Listing.objects.filter(direction="need"):
        row = next(number for number, need in enumerate(asked) if need.id == ids[listing.pk])
        need = asked[row]
        whole = now.centred(unit(raw[row].mean(0)), need.language, Role.QUERY)
        fit = collection.compared(need.text, need.language, whole, now.centred(raw[row], need.language, Role.QUERY))
        expected = {
            given[number].id: score_pair(
                NeedFacts(),
                OfferFacts(),
                float(fit.closeness[number]),
                None if np.isnan(fit.words[number]) else float(fit.words[number]),
                weights,
                across=bool(fit.is_across[number]),
                crossed=bool(fit.is_across[number]),
            )
            for number in fit.candidates
        }

        fits = text_fits(subject_of(listing.pk, now), public_reach(at), now)
        got = {ids[other]: score_of(NeedFacts(), OfferFacts(), fit) for other, fit in fits.items()}

        assert top(got) <= near_top(expected)
        assert top(expected) <= near_top(got)
        for name in top(got):
            assert name in numbers
            for mine, theirs in zip(got[name].parts, expected[name].parts, strict=True):
                assert (mine.name, mine.weight) == (theirs.name, theirs.weight)
                assert mine.value == pytest.approx(theirs.value, abs=4e-3)
            compared += 1
    assert compared >= 15 * len(needs), "ties at the end of the lists left too little to compare"


PRECISION = 2e-3  # of a score made from stored vectors, which are halves


def last_of_top(scores):
    order = sorted(scores.values(), key=lambda score: -score.value)
    return order[min(19, len(order) - 1)].value


def top(scores):
    """Those that are surely among the first twenty, whatever the precision of the stored vectors."""
    return {name for name, score in scores.items() if score.value > last_of_top(scores) + PRECISION}


def near_top(scores):
    """Those that may be among the first twenty."""
    return {name for name, score in scores.items() if score.value >= last_of_top(scores) - PRECISION}


WANTED = {
    "전기 배송차 배터리 팩의 열 관리": (
        "도심 전기 배송차에 쓰는 리튬이온 배터리 팩의 온도를 여름과 겨울 모두 적정 범위로 유지하고, "
        "직렬로 연결한 셀 사이의 전압 차를 줄이는 기술을 찾습니다."
    ),
    "생분해성 농업용 멀칭 필름": (
        "밭에서 쓰고 난 뒤 흙에서 분해되는 멀칭 필름 소재를 찾습니다. "
        "비료를 천천히 내보내면 더 좋습니다. 인장 강도는 30 MPa 이상이어야 합니다."
    ),
}


@pytest.fixture
def offers_recorded(settings, tmp_path, at):
    settings.MEDIA_ROOT = tmp_path
    for name, kind in FILES.items():
        if kind != "needs":
            facts = {"organisation": None, "source_name": "samples", "kind": kind, "file_name": name}
            run = interchange.receive(actor=SYSTEM, file=SAMPLES / name, at=at, **facts)
            assert interchange.bring_in(actor=SYSTEM, run=run, at=at).rejected == 0
    services.rebuild(actor=SYSTEM, at=at)


def test_first_matches_of_a_draft_are_those_that_are_proposed_once_it_is_published(
    offers_recorded, make_need, make_organisation, viewer, make_person, at
):
    owner = make_organisation(kind="company_small")
    officer = viewer(make_person(organisation=owner))
    left_out = 0
    for title, summary in WANTED.items():
        need = make_need(owner=owner, title=title, summary=summary, excluded_countries=["US"], country="KR")
        draft = draft_of(need)
        preview = queries.matches_for_text(viewer=officer, at=at, draft=draft, language="ko", limit=50, owner=owner)
        good = [score for _, score in ranking_of(draft, at) if score.value >= load_weights().threshold]
        assert any(score.excluded_by for score in good), "the preview must have something to rule out"
        left_out += sum(not score.excluded_by for score in good) - len(preview)

        services.index_listing(actor=SYSTEM, listing_id=need.pk, at=at)
        services.propose(actor=SYSTEM, listing_id=need.pk, at=at)

        proposed = [match for match in queries.matches_of(need, officer, at, limit=50) if not match.excluded_by]
        assert preview
        assert [(match.listing_id, match.score) for match in preview] == [
            (match.counterpart_id, match.score) for match in proposed
        ]
    assert left_out, "something near must be left out because nothing explains it"
