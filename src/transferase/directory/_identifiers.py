"""Numbers of registers: the form they are stored in, and their check digits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from transferase.directory.models import IdentifierScheme

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Crockford's alphabet leaves out i, l, o and u.
_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"
# GB 32100-2015 leaves out I, O, S, V and Z.
_CREDIT: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_KR_WEIGHTS: Final = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_ROR = re.compile(r"0[a-hj-km-np-tv-z0-9]{6}\d{2}")
_KR_BUSINESS = re.compile(r"\d{10}")
_CN_CREDIT = re.compile(r"[0-9A-HJ-NP-RTUWXY]{2}\d{6}[0-9A-HJ-NP-RTUWXY]{10}")
_LEI = re.compile(r"[0-9A-Z]{18}\d{2}")
_EU_PIC = re.compile(r"\d{9}")


def normalise_identifier(scheme: str, value: str) -> str:
    """A number without address, spaces and hyphens, in the case that its register uses."""
    bare = re.sub(r"[\s\-]", "", value.strip().rsplit("/", 1)[-1])
    return bare.lower() if scheme == IdentifierScheme.ROR else bare.upper()


def check_identifier(scheme: str, value: str) -> bool:
    """Whether a normalised number has the form and the check digits of its register."""
    return _CHECKS[scheme](value)


def _is_ror(value: str) -> bool:
    if not _ROR.fullmatch(value):
        return False
    number = 0
    for letter in value[1:7]:
        number = number * 32 + _CROCKFORD.index(letter)
    return 98 - number * 100 % 97 == int(value[7:])


def _is_kr_business(value: str) -> bool:
    if not _KR_BUSINESS.fullmatch(value) or value == "0" * 10:
        return False
    digits = [int(digit) for digit in value]
    total = sum(digit * weight for digit, weight in zip(digits, _KR_WEIGHTS, strict=False)) + digits[8] * 5 // 10
    return (10 - total % 10) % 10 == digits[9]


def _is_cn_credit(value: str) -> bool:
    if not _CN_CREDIT.fullmatch(value):
        return False
    total = sum(_CREDIT.index(letter) * pow(3, place, 31) for place, letter in enumerate(value[:17]))
    return (31 - total % 31) % 31 == _CREDIT.index(value[17])


def _is_lei(value: str) -> bool:
    return bool(_LEI.fullmatch(value)) and int("".join(str(int(letter, 36)) for letter in value)) % 97 == 1


def _is_eu_pic(value: str) -> bool:
    return bool(_EU_PIC.fullmatch(value))


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    IdentifierScheme.ROR: _is_ror,
    IdentifierScheme.KR_BUSINESS: _is_kr_business,
    IdentifierScheme.CN_CREDIT: _is_cn_credit,
    IdentifierScheme.LEI: _is_lei,
    IdentifierScheme.EU_PIC: _is_eu_pic,
}
