"""Bringing in a file: what it holds, how its characters are written, which column fills which field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from transferase.foundation.languages import LANGUAGES, OWN_NAMES, Language
from transferase.interchange.models import Kind, WantedState
from transferase.interchange.rules import FIELDS, LANGUAGE_SUFFIXES, OPERATOR_FIELDS, TEXTS, TIER_PREFIXES
from transferase.web.forms.fields import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.utils.functional import _StrPromise


KIND_WORDS = {
    Kind.OFFERS: _("Offers"),
    Kind.NEEDS: _("Needs"),
    Kind.ORGANISATIONS: _("Organisations"),
    Kind.RIGHTS: _("Rights of offers that are already here"),
}
ENCODING_WORDS = {
    "utf-8": _("UTF-8 (all languages)"),
    "utf-8-sig": _("UTF-8 with a mark in front (all languages)"),
    "utf-16": _("UTF-16 (all languages)"),
    "utf-16-le": _("UTF-16, little-endian (all languages)"),
    "utf-16-be": _("UTF-16, big-endian (all languages)"),
    "cp949": _("CP949 / EUC-KR (Korean)"),
    "gb18030": _("GB 18030 / GBK (Chinese)"),
}
WANTED_WORDS = {
    WantedState.PUBLISHED: _("Published, or handed in for review"),
    WantedState.DRAFT: _("Kept as drafts"),
}
FIELD_WORDS: dict[str, _StrPromise] = {
    "external_id": _("Record number"),
    "direction": _("Offer or need"),
    "language": _("Language of the text"),
    "title": _("Title"),
    "summary": _("Summary"),
    "description": _("Description"),
    "problem": _("Problem"),
    "alternative": _("Leading alternative"),
    "advantages": _("Advantages"),
    "partner_sought": _("Partner sought"),
    "origin": _("Who wrote the text"),
    "owner": _("Owner"),
    "owner_identifier": _("Register number of the owner"),
    "country": _("Country"),
    "is_anonymous": _("Owner not named"),
    "ipc": _("Patent classes (IPC)"),
    "cpc": _("Patent classes (CPC)"),
    "keywords": _("Keywords"),
    "unmapped": _("Other classification"),
    "trl": _("Readiness (TRL)"),
    "trl_low": _("Readiness (TRL) from"),
    "trl_high": _("Readiness (TRL) to"),
    "trl_scale": _("Scale of the readiness"),
    "trl_evidence": _("Evidence for the readiness"),
    "transfer_modes": _("Forms of transfer"),
    "exclusivity": _("Exclusivity"),
    "territory": _("Territory"),
    "field_of_use": _("Field of use"),
    "partner_kinds": _("Kind of partner"),
    "price": _("Price or budget"),
    "price_kind": _("Kind of price"),
    "price_low": _("Price from"),
    "price_high": _("Price to"),
    "currency": _("Currency"),
    "payment_kinds": _("Payment"),
    "source_url": _("Address of the source"),
    "attribution": _("Attribution"),
    "is_sample": _("Sample record"),
    "right_kind": _("Kind of right"),
    "right_office": _("Office"),
    "right_number": _("Number of the right"),
    "right_status": _("Status of the right"),
    "right_title": _("Title of the right"),
    "filed_date": _("Filed on"),
    "expiry_date": _("Expires on"),
    "application_number": _("Application number"),
    "publication_number": _("Publication number"),
    "registration_number": _("Registration number"),
    "rights": _("Several rights"),
    "need_kind": _("Kind of need"),
    "decision_date": _("Decision by"),
    "excluded_countries": _("Excluded countries"),
    "requirements": _("Requirements in numbers"),
    "name": _("Name"),
    "kind": _("Kind of organisation"),
    "region": _("Region or city"),
    "website": _("Website"),
    "identifier": _("Register number"),
    "ror": _("ROR number"),
    "kr_business": _("Korean business registration number"),
    "cn_credit": _("Chinese unified social credit code"),
    "lei": _("LEI"),
    "eu_pic": _("EU participant number (PIC)"),
}
# Texts for some readers are mostly descriptions; other fields of theirs are offered only where a file has them.
RARE = tuple(prefix for prefix in TIER_PREFIXES if prefix)


def field_words(field: str) -> str:
    """What a field of a record is called, with its language and its readers."""
    tier = next((prefix for prefix in RARE if field.startswith(prefix)), "")
    base = field.removeprefix(tier)
    stem, _bar, suffix = base.rpartition("_")
    language = LANGUAGE_SUFFIXES.get(suffix) if stem in {*TEXTS, "origin", "name"} else None
    said = str(FIELD_WORDS.get(stem if language else base, base))
    if language:
        said = gettext("%(field)s in %(language)s") % {"field": said, "language": OWN_NAMES[Language(language)]}
    if tier == "registered_":
        return gettext("%(field)s, for persons who signed in") % {"field": said}
    if tier == "introduced_":
        return gettext("%(field)s, for introduced counterparts") % {"field": said}
    if tier == "nda_":
        return gettext("%(field)s, under an agreement") % {"field": said}
    return said


class UploadForm(forms.Form):
    """The file, what its rows are, and where it comes from."""

    kind = forms.ChoiceField(
        label=_("What stands in the rows?"),
        choices=list(KIND_WORDS.items()),
        widget=forms.RadioSelect,
        initial=Kind.OFFERS,
    )
    source_name = Words(
        label=_("Where does it come from?"), required=True, max_length=60,
        hint=_(
            "A short name that you use again for the next file from there. "
            "The same source and record number are the same record: it is updated, never doubled."
        ),
    )  # fmt: skip
    file = forms.FileField(label=_("File"), allow_empty_file=True)

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        organisations: Sequence[tuple[str, str]],
        is_operator: bool,
        **told: Any,
    ) -> None:
        super().__init__(data, files, **told)
        self.fields["file"].error_messages["required"] = _("Choose a file.")
        self.fields["file"].widget.attrs["accept"] = ".csv,.tsv,.txt,.xlsx,.jsonl,.ndjson,.gz"
        choices = list(organisations)
        if is_operator:
            choices.insert(0, ("", gettext("Several owners, named in a column of the file")))
        elif Kind.ORGANISATIONS in KIND_WORDS:
            self.fields["kind"].choices = [  # type: ignore[attr-defined]
                (kind, words) for kind, words in KIND_WORDS.items() if kind != Kind.ORGANISATIONS
            ]
        if len(choices) > 1:
            self.fields["organisation"] = forms.ChoiceField(
                label=_("Whose records are these?"), choices=choices, required=not is_operator
            )
            self.order_fields(["kind", "organisation", "source_name", "file"])


class MappingForm(forms.Form):
    """How the file is read: characters, columns, and what becomes of the records."""

    encoding = forms.ChoiceField(label=_("Characters"), required=False)
    default_language = forms.ChoiceField(label=_("Language of the texts"), required=False)
    wanted_state = forms.ChoiceField(label=_("The records are"), choices=list(WANTED_WORDS.items()))

    def __init__(
        self,
        data: Any = None,
        *,
        kind: str,
        header: Sequence[str],
        columns: Mapping[str, str],
        encoding: str,
        has_encoding: bool,
        defaults: Mapping[str, Any],
        wanted_state: str,
        is_operator: bool,
    ) -> None:
        initial = {
            "encoding": encoding,
            "wanted_state": wanted_state,
            "default_language": defaults.get("language", ""),
            **{f"column-{place}": columns.get(name, "") for place, name in enumerate(header)},
        }
        super().__init__(data, initial=initial)
        self.header = list(header)
        self.known_defaults = dict(defaults)
        if has_encoding:
            shown = list(ENCODING_WORDS.items())
            if encoding not in ENCODING_WORDS:
                shown.insert(0, (encoding, _("Please choose")))
            self.fields["encoding"].choices = shown  # type: ignore[attr-defined]
        else:
            del self.fields["encoding"]
        if kind in (Kind.OFFERS, Kind.NEEDS):
            self.fields["default_language"].choices = [  # type: ignore[attr-defined]
                ("", _("As each text reads")),
                *((code, OWN_NAMES[Language(code)]) for code in LANGUAGES),
            ]
        else:
            del self.fields["default_language"], self.fields["wanted_state"]
        for place, name in enumerate(header):
            self.fields[f"column-{place}"] = forms.ChoiceField(
                label=name, required=False, choices=self._choices(kind, columns.get(name, ""), is_operator)
            )

    @staticmethod
    def _choices(kind: str, chosen: str, is_operator: bool) -> list[tuple[str, Any]]:
        fields: Iterable[str] = FIELDS[kind]
        if not is_operator:
            fields = (field for field in fields if field not in OPERATOR_FIELDS)
        shown = [f for f in fields if not f.startswith(RARE) or "description" in f or f == chosen]
        if chosen and chosen not in shown:
            shown.append(chosen)
        return [("", _("(left out)")), *((field, field_words(field)) for field in shown)]

    @property
    def rows(self) -> list[forms.BoundField]:
        """One select for each column of the file."""
        return [self[f"column-{place}"] for place in range(len(self.header))]

    @property
    def columns(self) -> dict[str, str]:
        """Which column fills which field, as chosen."""
        told = self.cleaned_data
        return {name: told[f"column-{place}"] for place, name in enumerate(self.header) if told[f"column-{place}"]}

    @property
    def defaults(self) -> dict[str, Any]:
        """What every row has that no column says."""
        kept = {field: value for field, value in self.known_defaults.items() if field != "language"}
        if language := self.cleaned_data.get("default_language"):
            kept["language"] = language
        return kept
