"""The frame of pages: languages, looks, navigation, and pages of trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from django.core.exceptions import BadRequest, PermissionDenied
from django.test import Client, RequestFactory, override_settings
from django.urls import path
from django.utils import translation

from transferase.foundation.errors import DomainError, NotAllowed
from transferase.web import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from transferase.directory.models import Person

pytestmark = pytest.mark.django_db
INTERFACES = ("ko", "zh-hans", "en")
SAID = {"ko": "페이지가 없습니다", "zh-hans": "此处没有页面", "en": "There is no page here"}


@pytest.mark.parametrize(
    ("wanted", "there"),
    [("ko-KR,ko;q=0.9", "/ko/"), ("zh-CN,zh;q=0.9", "/zh-hans/"), ("en-GB", "/en/"), ("fr", "/en/")],
)
def test_the_first_page_is_in_the_browsers_language(client: Client, wanted: str, there: str) -> None:
    response = client.get("/", headers={"accept-language": wanted})
    assert (response.status_code, response["Location"]) == (302, there)


def test_the_language_that_was_opened_last_is_remembered(client: Client) -> None:
    client.get("/zh-hans/organisations")
    assert client.get("/", headers={"accept-language": "ko"})["Location"] == "/zh-hans/"


def test_the_language_switch_keeps_the_page_and_what_was_asked(client: Client) -> None:
    page = client.get("/en/organisations?q=lab&country=KR").content.decode()
    assert 'href="/ko/organisations?q=lab&amp;country=KR" lang="ko" hreflang="ko"' in page
    assert '<html lang="en"' in page
    assert '<html lang="zh-Hans"' in client.get("/zh-hans/organisations").content.decode()


def test_a_look_is_kept_and_written_by_the_server(client: Client) -> None:
    response = client.post("/look", {"look": "dark", "contrast": "more", "next": "/ko/organisations"})
    assert (response.status_code, response["Location"]) == (302, "/ko/organisations")
    page = client.get("/ko/organisations").content.decode()
    assert 'data-look="dark" data-bs-theme="dark" data-contrast="more"' in page
    client.post("/look", {"contrast": "normal"})
    assert "data-contrast" not in client.get("/ko/organisations").content.decode()


@pytest.mark.parametrize("elsewhere", ["https://example.com/", "//example.com", "javascript:alert(1)"])
def test_a_look_never_leads_elsewhere(client: Client, elsewhere: str) -> None:
    response = client.post("/look", {"look": "nonsense", "next": elsewhere})
    assert response["Location"] == "/"
    assert "look" not in response.cookies


def test_looks_are_posted_not_linked(client: Client) -> None:
    assert client.get("/look").status_code == 405


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_missing_page_says_so_in_the_readers_language(client: Client, interface: str) -> None:
    response = client.get(f"/{interface}/nowhere")
    assert response.status_code == 404
    assert SAID[interface] in response.content.decode()


def test_pages_of_trouble_need_nothing_that_may_be_broken() -> None:
    request = RequestFactory().get("/")
    for interface, word in (("ko", "서버"), ("zh-hans", "服务器"), ("en", "our side")):
        with translation.override(interface):
            response = errors.server_error(request)
        assert response.status_code == 500
        assert word in response.content.decode()
    assert errors.bad_request(request).status_code == 400


def _raise(error: Exception) -> object:
    def view(request: object) -> None:
        raise error

    return view


class _Refused(DomainError):
    code = "last_operator"


urlpatterns = [
    path("en/bad", _raise(BadRequest())),
    path("en/denied", _raise(PermissionDenied())),
    path("en/not-allowed", _raise(NotAllowed(permission="x"))),
    path("en/refused", _raise(_Refused())),
    path("en/broken", _raise(ZeroDivisionError())),
]
handler400, handler403 = errors.bad_request, errors.forbidden
handler404, handler500 = errors.not_found, errors.server_error


@pytest.mark.parametrize(
    ("place", "status", "said"),
    [
        ("bad", 400, "cannot be read"),
        ("broken", 500, "Something broke on our side"),
    ],
)
@override_settings(ROOT_URLCONF=__name__)
def test_what_goes_wrong_is_explained(place: str, status: int, said: str) -> None:
    response = Client(raise_request_exception=False).get(f"/en/{place}")
    assert response.status_code == status
    assert said in response.content.decode()


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (PermissionDenied(), 403, "You may not open this"),
        (NotAllowed(permission="x"), 403, "You may not open this"),
        (_Refused(), 409, "This is the last operator."),
    ],
)
def test_a_refused_act_is_explained(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, said: str
) -> None:
    monkeypatch.setattr("transferase.web.directory.labels", _raise_always(error))
    response = client.get("/en/organisations")
    assert response.status_code == status
    assert said in response.content.decode()


def _raise_always(error: Exception) -> object:
    def instead(*_given: object) -> None:
        raise error

    return instead


def test_an_outdated_form_is_explained() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/en/account/login/", {"login": "a@example.org", "password": "x"})
    assert response.status_code == 403
    assert "This page was open for too long" in response.content.decode()


def test_health_and_robots(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    robots = client.get("/robots.txt").content.decode()
    assert "Disallow: /ko/search" in robots
    assert client.get("/favicon.ico").status_code == 302


def test_pages_allow_no_inline_script_or_style(client: Client) -> None:
    response = client.get("/en/organisations")
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    page = response.content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert "onclick" not in page


@pytest.mark.parametrize("code", ["zh", "zh-cn", "zh-CN", "zh-Hans"])
def test_other_codes_for_chinese_lead_to_the_pages_in_chinese(client: Client, code: str) -> None:
    response = client.get(f"/{code}/organisations?q=lab")
    assert (response.status_code, response["Location"]) == (302, "/zh-hans/organisations?q=lab")
    assert client.get(f"/{code}/")["Location"] == "/zh-hans/"
    assert client.get("/zh-hans/").status_code == 200


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_a_form_that_is_too_long_is_refused_without_noise(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    response = client.post("/en/hints/need", urlencode({"title": "x" * 2000}), "application/x-www-form-urlencoded")
    assert response.status_code == 413
    assert "This is too long" in response.content.decode()
    assert not [entry for entry in caplog.records if entry.exc_info]


@pytest.mark.parametrize(
    ("interface", "title"),
    [
        ("ko", "페이지로 열 수 없는 주소입니다"),
        ("zh-hans", "此地址无法作为页面打开"),
        ("en", "This address is no page"),
    ],
)
def test_the_address_of_a_button_opened_like_a_page_says_so(
    visit: Callable[..., Client], make_person: Callable[..., Person], interface: str, title: str
) -> None:
    answer = visit(make_person()).get(f"/{interface}/desk/admissions/1/accept")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert title in answer.content.decode()
    assert f'href="/{interface}/search"' in answer.content.decode()


def test_programs_that_use_a_wrong_method_get_no_page(client: Client) -> None:
    answer = client.delete("/api/v1/search")
    assert answer.status_code == 405
    assert "<html" not in answer.content.decode()
