"""Organisations and vocabularies."""

from __future__ import annotations

import pytest

from transferase.catalogue import services as catalogue
from transferase.directory.models import Identifier
from transferase.foundation.ledger import SYSTEM


def test_an_organisation_with_its_names_and_numbers(visitor, make_organisation):
    organisation = make_organisation(names={"ko": "가상 연구원", "en": "Imaginary Institute"}, country="KR")
    Identifier.objects.create(organisation=organisation, scheme="ror", value="05apxxy63")
    shown = visitor.get(f"/organisations/{organisation.pk}").json()
    assert shown["name"] == "Imaginary Institute"
    assert [(n["language"], n["is_original"]) for n in shown["names"]] == [("ko", True), ("en", False)]
    assert shown["identifiers"] == {"ror": "05apxxy63"}


def test_an_unverified_organisation_is_seen_by_its_members_only(visitor, door_of, make_organisation, make_person):
    organisation = make_organisation(is_verified=False)
    member = make_person(role="company_user", organisation=organisation)
    path = f"/organisations/{organisation.pk}"
    assert visitor.get(path).status_code == 404
    assert door_of(make_person(role="broker"), "catalogue:listing:read").get(path).status_code == 404
    assert door_of(member, "catalogue:listing:read").get(path).status_code == 200


@pytest.mark.parametrize("number", ["0", "99999999999999999999999999"])
def test_an_organisation_that_is_none(visitor, number):
    assert visitor.get(f"/organisations/{number}").status_code == 404


def test_vocabularies_in_three_languages(visitor):
    catalogue.load_vocabularies(actor=SYSTEM)
    schemes = {scheme["scheme"] for scheme in visitor.get("/vocabularies").json()["items"]}
    assert {"ipc", "transfer_mode", "right_kind", "decline_reason", "withdraw_reason"} <= schemes
    terms = visitor.get("/vocabularies/right_kind").json()["items"]
    assert {"ko": "특허", "zh-Hans": "发明专利", "en": "Patent"} in [term["labels"] for term in terms]
    below = visitor.get("/vocabularies/ipc", parent="C08").json()["items"]
    assert "C08L" in [term["code"] for term in below]
    assert visitor.get("/vocabularies/nonsense").status_code == 404
