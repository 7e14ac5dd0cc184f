"""What goes in and out: listings with their texts, facts, rights and requirements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

from ninja import Field, Schema
from pydantic import ConfigDict, JsonValue, StringConstraints

from transferase.catalogue.rules import LONGEST_SUMMARY, LONGEST_TEXT, LONGEST_TITLE

Language = Literal["ko", "zh-Hans", "en"]
Direction = Literal["offer", "need"]
State = Literal["draft", "in_review", "published", "paused", "withdrawn", "expired", "taken"]
Tier = Literal["public", "registered", "introduced", "nda"]
Origin = Literal["original", "human", "machine", "machine_reviewed"]
# PostgreSQL keeps no NUL; it is refused here rather than lost on the way.
WITHOUT_NUL = r"^[^\x00]*$"
Code = Annotated[str, StringConstraints(max_length=40, pattern=WITHOUT_NUL)]
Line = Annotated[str, StringConstraints(max_length=300, pattern=WITHOUT_NUL)]
LongText = Annotated[str, StringConstraints(max_length=LONGEST_TEXT, pattern=WITHOUT_NUL)]
Money = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=2)]
TRL = Annotated[int, Field(ge=1, le=9)]


def _text_examples() -> list[JsonValue]:
    return [
        {
            "language": "ko",
            "tier": "public",
            "origin": "original",
            "title": "해조류 유래 생분해성 포장 필름",
            "summary": "해조류 다당류로 만든 수분 차단 필름으로, 토양에서 12주 안에 분해됩니다.",
        },
        {
            "language": "en",
            "tier": "public",
            "origin": "human",
            "title": "Biodegradable packaging film from seaweed",
            "summary": "A moisture-barrier film of seaweed polysaccharides that degrades in soil within 12 weeks.",
        },
    ]


class TextContent(Schema):
    """What a listing says in one language to the readers of one tier."""

    language: Language
    tier: Tier = "public"
    origin: Origin = "original"
    title: Annotated[str, StringConstraints(max_length=LONGEST_TITLE, pattern=WITHOUT_NUL)] = ""
    summary: Annotated[str, StringConstraints(max_length=LONGEST_SUMMARY, pattern=WITHOUT_NUL)] = ""
    description: LongText = ""
    problem: LongText = Field("", description="Which problem it solves, or what the need is about.")
    alternative: LongText = Field("", description="The leading alternative, or what is used today and its limits.")
    advantages: LongText = Field("", description="What is better, with numbers.")
    partner_sought: LongText = ""


class RightContent(Schema):
    """An intellectual-property right that comes with an offer."""

    kind: Code = Field(description="Vocabulary `right_kind`.", examples=["patent"])
    office: Annotated[str, StringConstraints(max_length=5, pattern=WITHOUT_NUL)] = Field("", examples=["KR"])
    number: Annotated[str, StringConstraints(max_length=60, pattern=WITHOUT_NUL)] = ""
    status: Annotated[str, StringConstraints(max_length=20, pattern=WITHOUT_NUL)] = Field(
        "", description="Vocabulary `right_status`.", examples=["granted"]
    )
    title: Annotated[str, StringConstraints(max_length=500, pattern=WITHOUT_NUL)] = ""
    filed_date: date | None = None
    expiry_date: date | None = None


class RequirementContent(Schema):
    """A property that a need asks for in numbers."""

    property: Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=WITHOUT_NUL)] = Field(
        examples=["water vapour transmission rate"]
    )
    operator: Literal["lt", "le", "eq", "ge", "gt"]
    value: Annotated[Decimal, Field(max_digits=20, decimal_places=6)] = Field(examples=["5"])
    unit: Code = Field("", examples=["g/m²·day"])
    is_must: bool = True


class Facts(Schema):
    """The facts of a listing; what is not stated stays empty."""

    country: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")] = Field("", examples=["KR"])
    is_anonymous: bool = Field(False, description="Others do not learn who the owner is.")
    ipc: list[Code] = Field([], examples=[["C08L 5/00"]], max_length=100)
    cpc: list[Code] = Field([], max_length=100)
    trl_low: TRL | None = None
    trl_high: TRL | None = None
    trl_scale: Annotated[str, StringConstraints(max_length=20, pattern=WITHOUT_NUL)] = ""
    trl_evidence: LongText = ""
    transfer_modes: list[Code] = Field([], description="Vocabulary `transfer_mode`.", max_length=50)
    exclusivity: Annotated[str, StringConstraints(max_length=30, pattern=WITHOUT_NUL)] = Field(
        "", description="Vocabulary `exclusivity`."
    )
    territory: list[Annotated[str, StringConstraints(max_length=5, pattern=WITHOUT_NUL)]] = Field(
        [], description="Countries, or `world` alone.", max_length=260
    )
    field_of_use: Line = ""
    partner_kinds: list[Code] = Field([], description="Vocabulary `partner_kind`.", max_length=50)
    price_kind: Annotated[str, StringConstraints(max_length=20, pattern=WITHOUT_NUL)] = Field(
        "", description="Vocabulary `price_kind`."
    )
    price_low: Money | None = None
    price_high: Money | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^([A-Z]{3})?$")] = Field("", examples=["KRW"])
    payment_kinds: list[Code] = Field([], description="Vocabulary `payment_kind`.", max_length=50)
    need_kind: Annotated[str, StringConstraints(max_length=20, pattern=WITHOUT_NUL)] = Field(
        "", description="Vocabulary `need_kind`; needs only."
    )
    decision_date: date | None = None
    excluded_countries: list[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]] = Field([], max_length=260)
    rights: list[RightContent] = Field([], max_length=100)
    requirements: list[RequirementContent] = Field([], max_length=100)


class ListingContent(Facts):
    """The whole content of a listing of one's organisation."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "organisation": 12,
                    "direction": "offer",
                    "texts": _text_examples(),
                    "country": "KR",
                    "ipc": ["C08L 5/00", "B65D 65/46"],
                    "trl_low": 5,
                    "trl_high": 6,
                    "transfer_modes": ["exclusive_licence", "joint_research"],
                    "rights": [{"kind": "patent", "office": "KR", "status": "granted"}],
                    "external_id": "TLO-2026-0042",
                }
            ]
        },
    )

    organisation: int | None = Field(
        None,
        description="The owner; when absent, the only organisation that the token's person is a member of.",
        ge=1,
        le=2**63 - 1,
    )
    direction: Direction
    original_language: Language | None = Field(None, description="The language of the first text when absent.")
    texts: list[TextContent] = Field(min_length=1, max_length=12)
    external_id: Annotated[str, StringConstraints(max_length=200, pattern=WITHOUT_NUL)] = Field(
        "", description="Your own number of the record; it may be used once."
    )
    source_url: Annotated[str, StringConstraints(max_length=500, pattern=WITHOUT_NUL)] = ""


class ListingReplacement(Facts):
    """The whole content of a listing in place of the one before."""

    model_config = ConfigDict(extra="forbid")

    texts: list[TextContent] = Field(min_length=1, max_length=12)
    original_language: Language | None = None
    source_url: Annotated[str, StringConstraints(max_length=500, pattern=WITHOUT_NUL)] = ""


class ListingChange(Facts):
    """What is to change; a field that is absent stays as it is, a list that is given replaces the one before."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"trl_low": 6, "trl_high": 7, "price_kind": "negotiable"}]}
    )

    texts: list[TextContent] | None = Field(
        None, max_length=12, description="Each replaces the text of its language and tier."
    )
    original_language: Language | None = None
    source_url: Annotated[str, StringConstraints(max_length=500, pattern=WITHOUT_NUL)] = ""


class Owner(Schema):
    """The organisation that a listing belongs to; more of it is at `/organisations/{id}`."""

    id: int
    name: str
    kind: str = Field(description="Vocabulary `organisation_kind`.")


class Listing(Facts):
    """An offer or a need, as far as the caller may see it."""

    id: UUID
    direction: Direction
    state: State
    state_reason: str
    is_sample: bool
    owner: Owner | None = Field(description="Null when the owner stays anonymous.")
    original_language: Language
    texts: list[TextContent]
    hidden_tiers: list[str] = Field(description="Tiers that hold texts which the caller does not see.")
    fields: list[str] = Field(description="Fields of technology (WIPO), derived from the IPC.")
    green_bio: list[str]
    unmapped: list[str] = Field(description="What the source called it and no vocabulary knows.")
    missing: list[str] = Field(description="What would help to judge the listing and is not stated.")
    version: int
    created_at: datetime
    revised_at: datetime
    published_at: datetime | None
    confirmed_at: datetime | None
    visible_until: datetime | None
    source: str
    external_id: str
    source_url: str
    attribution: str
    price_low: Decimal | None = None
    price_high: Decimal | None = None


class ListingPage(Schema):
    """A page of listings, newest first."""

    items: list[Listing]
    next: str | None = Field(description="Pass it as `cursor` to get the next page; null on the last page.")


class Reason(Schema):
    """A coded reason with the facts that it stands on."""

    code: str
    facts: dict[str, Any]


class _Coded(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def facts(self) -> Mapping[str, object]: ...


def reason_of(told: _Coded) -> Reason:
    """A reason or misfit as the engine tells it."""
    return Reason(code=told.code, facts=dict(told.facts))
