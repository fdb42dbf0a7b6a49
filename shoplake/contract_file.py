"""Reading a contract's file: held against the standard's own JSON schema, and our words checked one by one.

The standard's models accept misspelt words in silence. So a contract that loads is a contract that is obeyed.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import jsonschema
from open_data_contract_standard.model import OpenDataContractStandard, SchemaProperty

from shoplake.contracts import Column, Contract, Fallback, SessionRules, Source, TableRule, fold
from shoplake.errors import ConfigurationError
from shoplake.yamlfile import read_yaml

VENDOR = "shoplake"
FORMATS = ("csv", "json_lines", "json", "parquet")
NORMALISERS = ("upper", "lower", "strip_decimal_zero", "email", "phone")
PERSONAL_DATA = ("drop", "mask", "mask_emails", "hash")
KEY_RULES = ("lines", "line_number", "id")
REPEATS = ("keep", "duplicate")
SEVERITIES = {"error": "critical", "warning": "warning", "info": "info"}

_CONTRACT_WORDS = {"formats", "rejectLimit", "sources", "sessions"}
_COLUMN_WORDS = {
    "default", "normaliser", "otherFormats", "notBefore", "notAfterArrival", "fallback", "unknownAs", "flagsRobots",
    "personalData", "phoneRegions", "elseDayOfFile",
}  # fmt: skip
_FALLBACK_WORDS = {"column", "pattern"}
_SESSION_WORDS = ("timeout", "longest")
_ENUM_WORDS = {"sourceValues"}
_SOURCE_WORDS = {
    "name", "header", "key", "repeats", "time_zone", "timestamp_formats", "defaults",
    "cancellation_pattern", "aliases", "records", "explode", "extract", "phone_region",
}  # fmt: skip
_REGION = re.compile(r"^[A-Z]{2}$")
_DURATION = re.compile(r"^(\d+)(m|h|d)$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class ContractFile:
    """Reads one contract file and knows how to complain about it."""

    def __init__(self, path: Path):
        self.path = path

    def contract(self, dataset: str) -> Contract:
        content = read_yaml(self.path)
        self._hold_against_standard(content)
        model = OpenDataContractStandard.model_validate(content)
        (table,) = model.schema_ or self._fail("schema", "needs exactly one table")
        words = self._words(model.customProperties, _CONTRACT_WORDS, "customProperties")
        columns = tuple(self._column(p) for p in table.properties or [])
        limit = words.get("rejectLimit", {"share": 1.0, "rows": 0})
        contract = Contract(
            dataset=dataset,
            description=table.dataGranularityDescription or "",
            formats=tuple(self._one_of(f, FORMATS, "formats") for f in words.get("formats", FORMATS)),
            columns=columns,
            sources=tuple(
                self._source(s, {c.name for c in columns}) for s in words.get("sources", [])
            ) or self._fail("sources", "needs at least one source"),
            reject_share=float(limit["share"]),
            reject_rows=int(limit["rows"]),
            freshness=self._freshness(model, {c.name for c in columns}),
            sessions=self._sessions(words.get("sessions")),
        )  # fmt: skip
        for column in columns:
            others = {other.column: None for other in column.fallback}
            self._known(others, set(contract.by_name), f"column {column.name}: fallback")
        self._no_name_twice(contract)
        return contract

    def _freshness(self, model: OpenDataContractStandard, columns: set[str]) -> tuple[str, float] | None:
        sla = next((p for p in model.slaProperties or [] if p.property == "freshness"), None)
        if sla is None:
            return None
        hours = {"h": 1, "d": 24}[self._one_of(sla.unit, ("h", "d"), "slaProperties: unit of freshness")]
        column = (sla.element or model.slaDefaultElement or "").rpartition(".")[2]
        return self._one_of(column, columns, "slaProperties: element of freshness"), float(sla.value) * hours

    def _sessions(self, words: dict[str, Any] | None) -> SessionRules | None:
        if words is None:
            return None
        self._known(words, set(_SESSION_WORDS), "sessions")
        given = {word: words.get(word) or self._fail("sessions", f"needs a {word}") for word in _SESSION_WORDS}
        return SessionRules(**{word: self._duration(text, f"sessions: {word}") for word, text in given.items()})

    def _hold_against_standard(self, content: dict) -> None:
        schema = json.loads(OpenDataContractStandard.json_schema())
        validator = jsonschema.validators.validator_for(schema)(schema)
        error = jsonschema.exceptions.best_match(validator.iter_errors(content))
        if error is not None:
            self._fail(".".join(str(p) for p in error.absolute_path) or "the file", error.message[:300])

    def _column(self, p: SchemaProperty) -> Column:
        place = f"column {p.name}"
        words = self._words(p.customProperties, _COLUMN_WORDS, place)
        options = p.logicalTypeOptions or {}
        formats = [options["format"]] if p.logicalType in ("timestamp", "date") and "format" in options else []
        normaliser = words.get("normaliser")
        if normaliser is not None:
            self._one_of(normaliser, NORMALISERS, f"{place}: normaliser")
        return Column(
            name=p.name,
            description=p.description or "",
            logical_type=p.logicalType,
            physical_type=p.physicalType or self._fail(place, "needs a physicalType"),
            required=bool(p.required),
            is_key=bool(p.primaryKey),
            synonyms=tuple(s.synonym for s in p.synonyms or []),
            minimum=options.get("minimum"),
            maximum=options.get("maximum"),
            pattern=self._pattern(options.get("pattern"), place),
            values=self._values(p, place),
            default=words.get("default"),
            normaliser=normaliser,
            timestamp_formats=tuple([*formats, *words.get("otherFormats", [])]),
            not_before=self._instant(words.get("notBefore"), p, place),
            not_after_arrival=self._duration(words.get("notAfterArrival"), place),
            rules=tuple(self._rule(q, place) for q in p.quality or []),
            fallback=tuple(self._fallback(entry, place) for entry in words.get("fallback", [])),
            unknown_as=self._unknown_as(words.get("unknownAs"), p, place),
            flags_robots=bool(words.get("flagsRobots", False)),
            personal_data=self._personal_data(words.get("personalData"), p, place),
            phone_regions={
                fold(word): self._region(region, f"{place}: phoneRegions")
                for region, names in words.get("phoneRegions", {}).items()
                for word in (region, *names)
            },
            is_day_of_file_else=bool(words.get("elseDayOfFile", False)),
        )

    def _fallback(self, entry: Any, place: str) -> Fallback:
        """A column's name, or `{column, pattern}`."""
        words = entry if isinstance(entry, dict) else {"column": entry}
        self._known(words, _FALLBACK_WORDS, f"{place}: fallback")
        if "column" not in words:
            self._fail(f"{place}: fallback", "needs a column")
        pattern = words.get("pattern")
        return Fallback(words["column"], pattern and self._group_pattern(pattern, f"{place}: fallback"))

    def _unknown_as(self, value: str | None, p: SchemaProperty, place: str) -> str | None:
        if value is None:
            return None
        return self._one_of(value, [str(entry.value) for entry in p.enum or []], f"{place}: unknownAs")

    def _personal_data(self, word: str | None, p: SchemaProperty, place: str) -> str | None:
        """What tables keep of a personal value: text only, and nothing that rows are told apart by unless hashed."""
        if word is None:
            return None
        self._one_of(word, PERSONAL_DATA, f"{place}: personalData")
        if p.logicalType != "string":
            self._fail(place, f"personalData is for strings, and this is of type {p.logicalType}")
        if word != "hash" and p.primaryKey:
            self._fail(place, f"personalData {word} would make rows of a primary key one: it can only be hashed")
        if p.quality:
            self._fail(place, "a column with personalData can't have quality rules: they would see what is left of it")
        return word

    def _values(self, p: SchemaProperty, place: str) -> dict[str, tuple[str, ...]]:
        return {
            str(entry.value): tuple(
                self._words(entry.customProperties, _ENUM_WORDS, f"{place}: enum {entry.value}").get("sourceValues", [])
            )
            for entry in p.enum or []
        }

    def _source(self, words: dict[str, Any], columns: set[str]) -> Source:
        place = f"source {words.get('name', '?')}"
        self._known(words, _SOURCE_WORDS, place)
        for word in ("name", "key"):
            if word not in words:
                self._fail(place, f"needs a {word}")
        self._known(words.get("defaults", {}), columns, f"{place}: defaults")
        self._known(words.get("aliases", {}), columns, f"{place}: aliases")
        self._known(words.get("extract", {}), columns, f"{place}: extract")
        zone = words.get("time_zone", "UTC")
        if zone not in available_timezones():
            self._fail(place, f"time_zone {zone!r} is not an IANA time zone such as Europe/London")
        return Source(
            name=words["name"],
            key=self._one_of(words["key"], KEY_RULES, f"{place}: key"),
            header=tuple(words.get("header", [])),
            repeats=self._one_of(words.get("repeats", "keep"), REPEATS, f"{place}: repeats"),
            time_zone=zone,
            timestamp_formats=tuple(words.get("timestamp_formats", [])),
            defaults={name: str(value) for name, value in words.get("defaults", {}).items()},
            cancellation_pattern=self._pattern(words.get("cancellation_pattern"), f"{place}: cancellation_pattern"),
            aliases={name: tuple(given) for name, given in words.get("aliases", {}).items()},
            records=words.get("records"),
            explode=words.get("explode"),
            phone_region=self._region(words["phone_region"], place) if "phone_region" in words else None,
            extract={
                name: self._group_pattern(pattern, f"{place}: extract {name}")
                for name, pattern in words.get("extract", {}).items()
            },
        )

    def _rule(self, quality: Any, place: str) -> TableRule:
        severity = self._one_of(quality.severity or "error", SEVERITIES, f"{place}: quality {quality.name}: severity")
        implementation = quality.implementation
        if quality.engine != "greatExpectations" or not isinstance(implementation, dict):
            self._fail(
                place,
                f"quality {quality.name}: only engine greatExpectations with an implementation is known",
            )
        return TableRule(
            name=quality.name,
            expectation=implementation["type"],
            arguments=dict(implementation.get("kwargs", {})),
            severity=SEVERITIES[severity],
            description=quality.description or quality.name,
        )

    def _words(self, properties: Any, known: set[str], place: str) -> dict[str, Any]:
        """Our own custom properties as a mapping; those of other vendors are left alone."""
        ours = {p.property: p.value for p in properties or [] if p.vendor in (VENDOR, None)}
        self._known(ours, known, place)
        return ours

    def _known(self, words: dict[str, Any], known: set[str], place: str) -> None:
        for word in words:
            if word not in known:
                self._fail(place, f"does not know {word!r}; it knows {', '.join(sorted(known))}")

    def _one_of(self, value: Any, known: Any, place: str) -> str:
        if value not in known:
            self._fail(place, f"{value!r} is not one of {', '.join(known)}")
        return value

    def _pattern(self, pattern: Any, place: str) -> str | None:
        try:
            re.compile("" if pattern is None else pattern)
        except (re.error, TypeError) as error:
            self._fail(place, f"pattern {pattern!r} is not a regular expression ({error})")
        return pattern

    def _group_pattern(self, pattern: Any, place: str) -> str:
        """A pattern with a group, which is the value."""
        if re.compile(self._pattern(pattern, place) or "").groups == 0:
            self._fail(place, f"pattern {pattern!r} has no group: put ( ) around the part that is the value")
        return pattern

    def _region(self, code: Any, place: str) -> str:
        if not isinstance(code, str) or not _REGION.match(code):
            self._fail(place, f"region {code!r} is not an ISO 3166 code of two letters such as GB")
        return code

    def _instant(self, text: str | None, p: SchemaProperty, place: str) -> datetime | None:
        """An instant, in UTC where the text names no offset."""
        if text is None:
            return None
        if p.logicalType != "timestamp":
            self._fail(place, f"notBefore is for timestamps, and this is a {p.logicalType}")
        try:
            instant = datetime.fromisoformat(str(text))
        except ValueError:
            self._fail(place, f"notBefore {text!r} is not an instant such as 1970-01-01 or 1970-01-01T00:00:00Z")
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

    def _duration(self, text: str | None, place: str) -> timedelta | None:
        if text is None:
            return None
        matched = _DURATION.match(str(text)) or self._fail(place, f"{text!r} is not a duration such as 30m, 26h or 1d")
        return timedelta(**{_UNITS[matched[2]]: int(matched[1])})

    def _no_name_twice(self, contract: Contract) -> None:
        owner: dict[str, str] = {}
        for column in contract.columns:
            for name in column.accepted_names:
                other = owner.setdefault(fold(name), column.name)
                if other != column.name:
                    self._fail(f"column {column.name}", f"the name {name!r} already leads to column {other}")

    def _fail(self, place: str, what: str) -> Any:
        raise ConfigurationError(f"contracts/{self.path.name}: {place}: {what}.")
