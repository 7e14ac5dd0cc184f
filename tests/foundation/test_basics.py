"""Identifiers, languages, the secret."""

from __future__ import annotations

import stat

from transferase.foundation.ids import uuid7
from transferase.foundation.languages import LANGUAGES, OWN_NAMES, Language, of_interface
from transferase.foundation.secret import secret_key


def test_identifiers_are_of_version_seven_and_rise():
    made = [uuid7() for _ in range(10_000)]
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_languages_go_by_one_name_each():
    assert LANGUAGES == ("ko", "zh-Hans", "en")
    assert [of_interface(code) for code in ("ko", "zh-hans", "en", "zh_Hans", "ko-KR", "fr")] == [
        Language.KO, Language.ZH, Language.EN, Language.ZH, Language.KO, Language.EN,
    ]  # fmt: skip
    assert set(OWN_NAMES) == set(Language)


def test_the_secret_comes_from_the_environment(tmp_path):
    assert secret_key({"SECRET_KEY": "given"}, tmp_path) == "given"
    assert list(tmp_path.iterdir()) == []


def test_else_it_is_made_once_and_kept_from_others(tmp_path):
    home = tmp_path / "new"
    made = secret_key({}, home)
    assert len(made) >= 50
    assert secret_key({}, home) == made
    assert stat.S_IMODE((home / "secret_key").stat().st_mode) == 0o600
