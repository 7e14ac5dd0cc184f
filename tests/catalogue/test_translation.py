"""Machine translation: a configured service fills gaps, and nothing is ever made worse."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from transferase.catalogue import _translation, queries, services, tasks
from transferase.catalogue.models import State
from transferase.foundation.ledger import SYSTEM

SAID = {
    "Korean": {"title": "미생물 제제", "summary": "폐기물을 분해하는 미생물"},
    "Simplified Chinese": {"title": "微生物制剂", "summary": "分解废弃物的微生物"},
}


class Translator(BaseHTTPRequestHandler):
    """A service on this machine that answers as it is told."""

    answer = "right"
    asked: list[dict] = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).asked.append({"path": self.path, "key": self.headers["Authorization"], **body})
        language = "Korean" if "to Korean" in body["messages"][0]["content"] else "Simplified Chinese"
        said = json.dumps(SAID[language], ensure_ascii=False)
        content = {
            "right": f"```json\n{said}\n```",
            "words": "I cannot do that.",
            "keys": '{"title": "x"}',
            "language": '{"title": "Still English words", "summary": "Nothing was translated here at all"}',
        }.get(self.answer, "")
        told = json.dumps({"choices": [{"message": {"content": content}}]}).encode()
        self.send_response(500 if self.answer == "broken" else 200)
        self.end_headers()
        self.wfile.write(b"{}" if self.answer == "empty" else told)

    def log_message(self, *_):
        pass


@pytest.fixture
def service(settings):
    server = HTTPServer(("127.0.0.1", 0), Translator)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.TRANSLATION_ENDPOINT = f"http://127.0.0.1:{server.server_port}/v1/"
    settings.TRANSLATION_MODEL = "model"
    settings.TRANSLATION_KEY = "key"
    Translator.answer, Translator.asked[:] = "right", []
    yield Translator
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def draft(make_listing):
    return make_listing(
        state=State.DRAFT,
        title="Microbial preparation",
        summary="Microbes that decompose waste",
        texts=[{"language": "en", "tier": "nda", "description": "secret"}],
    )


def publish(listing, at):
    return services.publish(actor=SYSTEM, listing=listing, at=at)


def test_a_published_listing_gets_the_missing_languages(service, draft, fence, drain, at):
    with fence:
        publish(draft, at)
        drain(only="catalogue.")
    texts = {t.language: t for t in draft.texts.filter(tier="public")}
    assert set(texts) == {"en", "ko", "zh-Hans"}
    assert (texts["ko"].title, texts["ko"].summary, texts["ko"].origin) == (*SAID["Korean"].values(), "machine")
    assert texts["ko"].description == ""
    assert [a["path"] for a in service.asked] == ["/v1/chat/completions"] * 2
    assert service.asked[0]["key"] == "Bearer key"
    assert "secret" not in json.dumps(service.asked)


def test_what_a_person_translated_is_not_asked_for(service, draft, drain, at):
    draft.texts.create(language="ko", origin="human", title="미생물")
    publish(draft, at)
    drain(only="catalogue.")
    assert len(service.asked) == 1
    assert draft.texts.get(language="ko").title == "미생물"


def test_a_revised_original_is_translated_anew(service, draft, drain, at):
    from dataclasses import replace

    listing = publish(draft, at)
    drain(only="catalogue.")
    told = queries.draft_of(listing)
    texts = tuple(replace(t, title="Another") if (t.language, t.tier) == ("en", "public") else t for t in told.texts)
    services.revise(actor=SYSTEM, listing=listing, draft=replace(told, texts=texts), at=at)
    assert set(draft.texts.filter(tier="public").values_list("language", flat=True)) == {"en"}
    drain(only="catalogue.")
    assert draft.texts.filter(tier="public").count() == 3


@pytest.mark.parametrize("answer", ["broken", "words", "keys", "language", "empty"])
def test_a_bad_answer_is_an_error_and_no_text(service, draft, answer, at):
    publish(draft, at)
    service.answer = answer
    with pytest.raises(_translation.TranslationFailedError):
        tasks.translate(listing_id=str(draft.pk))
    assert draft.texts.filter(tier="public").count() == 1


def test_without_a_service_nothing_happens(settings, draft, at):
    settings.TRANSLATION_ENDPOINT = ""
    publish(draft, at)
    tasks.translate(listing_id=str(draft.pk))
    assert not ProcrastinateJob.objects.filter(task_name="catalogue.translate").exists()
    assert draft.texts.filter(tier="public").count() == 1


def test_what_is_no_longer_public_is_not_sent(service, draft):
    tasks.translate(listing_id=str(draft.pk))
    assert service.asked == []


def test_empty_texts_are_not_sent(service):
    assert _translation.translate({"title": ""}, "en", "ko") == {}
    assert service.asked == []
