"""Coded reasons in words: in the three languages for the summary of the demo, in English elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from transferase.catalogue import queries as catalogue
from transferase.catalogue.rules import RequirementDraft
from transferase.engine.ranking import Misfit, Reason
from transferase.foundation.languages import Language

LONGEST_QUOTE: Final = 110
MOST_TERMS: Final = 4
# Reasons that name words which both sides say.
SHARED_WORDS: Final = frozenset({"shared_terms", "shared_concepts"})

# code -> language -> sentence; the names in braces are made by `_words`
SENTENCES: Final[Mapping[str, Mapping[str, str]]] = {
    "sentence_pair": {
        "en": "Both say much the same: “{need}” – “{offer}”",
        "ko": "서로 비슷한 내용을 말합니다: “{need}” – “{offer}”",
        "zh-Hans": "双方所述内容相近：“{need}”——“{offer}”",
    },
    "shared_terms": {
        "en": "Both name {terms}.",
        "ko": "같은 용어를 씁니다: {terms}.",
        "zh-Hans": "双方使用相同术语：{terms}。",
    },
    "shared_concepts": {
        "en": "Both speak of {terms}.",
        "ko": "같은 주제를 다룹니다: {terms}.",
        "zh-Hans": "双方都涉及：{terms}。",
    },
    "shared_field": {
        "en": "Both are classified under {node}.",
        "ko": "같은 분류에 속합니다: {node}.",
        "zh-Hans": "属于同一分类：{node}。",
    },
    "readiness_fits": {
        "en": "Readiness fits: TRL {stated} is offered, {wanted} is wanted.",
        "ko": "성숙도가 맞습니다: 제공 TRL {stated}, 희망 TRL {wanted}.",
        "zh-Hans": "成熟度相符：可提供 TRL {stated}，期望 TRL {wanted}。",
    },
    "transfer_mode_fits": {
        "en": "The same way of transfer: {modes}.",
        "ko": "이전 방식이 같습니다: {modes}.",
        "zh-Hans": "转让方式一致：{modes}。",
    },
    "territory_fits": {
        "en": "The rights cover where they are wanted: {wanted}.",
        "ko": "희망하는 지역에서 권리를 쓸 수 있습니다: {wanted}.",
        "zh-Hans": "权利覆盖所需地区：{wanted}。",
    },
    "partner_fits": {
        "en": "The kind of partner that is sought: {kind}.",
        "ko": "찾는 협력 상대에 해당합니다: {kind}.",
        "zh-Hans": "符合所寻求的合作方类型：{kind}。",
    },
    "field_differs": {
        "en": "They are classified in different fields.",
        "ko": "분류 분야가 다릅니다.",
        "zh-Hans": "分类领域不同。",
    },
    "readiness_below": {
        "en": "Less ready than wanted: TRL {stated} instead of {wanted}.",
        "ko": "희망보다 성숙도가 낮습니다: TRL {stated}, 희망 {wanted}.",
        "zh-Hans": "成熟度低于期望：TRL {stated}，期望 {wanted}。",
    },
    "readiness_above": {
        "en": "More ready than wanted: TRL {stated} instead of {wanted}.",
        "ko": "희망보다 성숙도가 높습니다: TRL {stated}, 희망 {wanted}.",
        "zh-Hans": "成熟度高于期望：TRL {stated}，期望 {wanted}。",
    },
    "transfer_mode_differs": {
        "en": "Another way of transfer: {given} instead of {wanted}.",
        "ko": "이전 방식이 다릅니다: 제공 {given}, 희망 {wanted}.",
        "zh-Hans": "转让方式不同：可提供 {given}，期望 {wanted}。",
    },
    "transfer_mode_excluded": {
        "en": "The way of transfer does not go together: {given} instead of {wanted}.",
        "ko": "이전 방식이 맞지 않습니다: 제공 {given}, 희망 {wanted}.",
        "zh-Hans": "转让方式不相容：可提供 {given}，期望 {wanted}。",
    },
    "exclusivity_differs": {
        "en": "Exclusivity is wanted and not offered.",
        "ko": "독점을 희망하지만 제공되지 않습니다.",
        "zh-Hans": "期望独占，但无法提供。",
    },
    "territory_outside": {
        "en": "The rights do not cover all of {wanted}.",
        "ko": "희망 지역 전체에 권리가 미치지 않습니다: {wanted}.",
        "zh-Hans": "权利未覆盖全部所需地区：{wanted}。",
    },
    "partner_differs": {
        "en": "Another kind of partner is sought.",
        "ko": "찾는 협력 상대의 유형이 다릅니다.",
        "zh-Hans": "所寻求的合作方类型不同。",
    },
    "country_excluded": {
        "en": "Partners from {country} are not sought.",
        "ko": "{country} 협력 상대는 찾지 않습니다.",
        "zh-Hans": "不寻求来自{country}的合作方。",
    },
    "rights_granted": {
        "en": "Rights already granted: {exclusivity}, {territory}.",
        "ko": "이미 부여된 권리: {exclusivity}, {territory}.",
        "zh-Hans": "已授予的权利：{exclusivity}，{territory}。",
    },
    "found_words": {"en": "It holds {words}.", "ko": "다음 단어가 있습니다: {words}.", "zh-Hans": "含有：{words}。"},
    "close_meaning": {"en": "It means much the same.", "ko": "뜻이 비슷합니다.", "zh-Hans": "含义相近。"},
    "newest": {"en": "It is among the newest.", "ko": "새로 등록되었습니다.", "zh-Hans": "最新发布。"},
}
# What a listing may leave open; "offer." or "need." stands before the name in a match.
MISSING: Final[Mapping[str, str]] = {
    "ipc": "classification",
    "trl": "readiness level",
    "transfer_modes": "way of transfer",
    "territory": "territory",
    "partner_kinds": "kind of partner sought",
    "requirements": "what is asked for in numbers",
}
COMPARED_BY: Final[Mapping[str, str]] = {"lt": "<", "le": "≤", "eq": "=", "ge": "≥", "gt": ">"}
# The same for readers of each language: the sentence for a side, and the names in it.
LEFT_OPEN: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {"need": "The need does not state: {facts}.", "offer": "The offer does not state: {facts}."},
    "ko": {"need": "수요기술에 없는 정보: {facts}.", "offer": "공급기술에 없는 정보: {facts}."},
    "zh-Hans": {"need": "技术需求未说明：{facts}。", "offer": "技术供给未说明：{facts}。"},
}
MISSING_IN: Final[Mapping[str, Mapping[str, str]]] = {
    "en": MISSING,
    "ko": {
        "ipc": "분류",
        "trl": "기술성숙도",
        "transfer_modes": "이전 방식",
        "territory": "지역",
        "partner_kinds": "찾는 협력 상대",
        "requirements": "수치로 제시된 요구 조건",
    },
    "zh-Hans": {
        "ipc": "分类",
        "trl": "技术成熟度",
        "transfer_modes": "转让方式",
        "territory": "地域",
        "partner_kinds": "所寻求的合作方",
        "requirements": "以数值提出的要求",
    },
}
NOT_COMPARED: Final[Mapping[str, str]] = {
    "words": "Words could not be compared: there is no common language.",
    "meaning": "Meaning could not be compared: the model was not available.",
}
SCHEMES: Final[Mapping[str, str]] = {
    "modes": "transfer_mode",
    "given": "transfer_mode",
    "kind": "organisation_kind",
    "exclusivity": "exclusivity",
    "territory": "country",
    "country": "country",
}


def in_words(told: Reason | Misfit, language: str = Language.EN) -> str:
    """A coded reason or misfit as one sentence; a code without one is told as it is."""
    sentence = SENTENCES.get(told.code, {}).get(language)
    return sentence.format_map(_words(told.facts, language)) if sentence else told.code.replace("_", " ")


def different_reasons(told: Iterable[Reason], language: str) -> list[str]:
    """One sentence for each kind of reason, the first that the reader can read; shared words of one sort only."""
    sentences: dict[str, str] = {}
    for reason in told:
        kind = "shared_words" if reason.code in SHARED_WORDS else reason.code
        readable = _readable(reason, language)
        if readable is not None and kind not in sentences:
            sentences[kind] = in_words(readable, language)
    return list(sentences.values())


def _readable(reason: Reason, language: str) -> Reason | None:
    """A reason with the words that are in the reader's language; None where shared words are all in another."""
    if reason.code not in SHARED_WORDS:
        return reason
    listed: Any = reason.facts.get("terms", ())
    if reason.code == "shared_concepts":
        terms = [term for term in listed if term["labels"].get(language)]
    else:
        terms = [term for term in listed if term["need"]["language"] == term["offer"]["language"] == language]
    return replace(reason, facts={**reason.facts, "terms": terms}) if terms else None


def left_open(names: Iterable[str], language: str) -> list[str]:
    """What each side does not state, a sentence for each in the reader's language."""
    sides: dict[str, list[str]] = {}
    for name in names:
        side, _, fact = name.rpartition(".")
        if side in LEFT_OPEN[language] and fact in MISSING:
            sides.setdefault(side, []).append(MISSING_IN[language][fact])
    return [LEFT_OPEN[language][side].format(facts=_listed(facts, language)) for side, facts in sides.items()]


def all_missing_in_words(names: Iterable[str]) -> list[str]:
    """What is not stated, a sentence for each side, and what could not be compared."""
    sides: dict[str, list[str]] = {}
    sentences = []
    for name in names:
        side, _, fact = name.rpartition(".")
        if side:
            sides.setdefault(side, []).append(MISSING.get(fact, fact.replace("_", " ")))
        else:
            sentences.append(NOT_COMPARED.get(name, name.replace("_", " ")))
    return [f"The {side} does not state: {', '.join(facts)}." for side, facts in sides.items()] + sentences


def to_check_in_words(required: RequirementDraft) -> str:
    """A requirement in numbers that a need cannot do without, as something to be checked with the other side."""
    sign = COMPARED_BY.get(required.operator, required.operator)
    return f"To be checked: {required.property} {sign} {required.value.normalize():f} {required.unit}".strip() + "."


class _Known(dict[str, str]):
    """Words for a sentence; one that is missing stays visible by its name."""

    def __missing__(self, key: str) -> str:
        return key


def _words(facts: Mapping[str, Any], language: str) -> _Known:
    return _Known({name: _word(name, value, language) for name, value in facts.items()})


def _word(name: str, value: Any, language: str) -> str:
    if isinstance(value, Mapping) and "text" in value:
        return _shortened(" ".join(str(value["text"]).split()))
    if name == "words":
        return ", ".join(str(word) for word in value)
    if name == "terms":
        return _listed(dict.fromkeys(_written(term, language) for term in value[:MOST_TERMS]), language)
    if name == "node":
        title = catalogue.label("ipc", value, language)
        return f"{value} ({_shortened(title)})" if title and title != value else str(value)
    if name in {"wanted", "stated"} and all(isinstance(level, int) for level in value):
        return str(value[0]) if value[0] == value[-1] else f"{value[0]}–{value[-1]}"
    if isinstance(value, (list, tuple)):
        scheme = SCHEMES.get(name, "country" if all(len(str(code)) == 2 for code in value) else "transfer_mode")
        return ", ".join(catalogue.label(scheme, str(code), language) or str(code) for code in value)
    if name in SCHEMES:
        return catalogue.label(SCHEMES[name], str(value), language) or str(value)
    return str(value)


def _written(term: Any, language: str) -> str:
    if isinstance(term, Mapping) and "labels" in term:
        return str(term["labels"].get(language) or term["labels"].get("en", ""))
    if isinstance(term, Mapping):
        return str(term["need"]["text"] if "need" in term else term.get("term", ""))
    return str(term)


def _listed(words: Iterable[str], language: str) -> str:
    return ("、" if language == Language.ZH else ", ").join(words)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1].rstrip() + "…"
