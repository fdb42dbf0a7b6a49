"""Planned values against botocore's models of AWS's APIs: types, enumerations, patterns, lengths, ranges.

A resource's attributes are matched to the members of the API call that creates it by their letters (`worker_type` is
`WorkerType`); where Terraform calls one otherwise, `Counterpart.renames` says how. What has no counterpart must be
listed.
"""

import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.model import Shape

from tests.terraform.counterparts import COUNTERPARTS, Counterpart

# Of Terraform alone, whatever the resource; tags, all of which stand in tags_all, have findings of their own.
_TERRAFORMS_OWN = {"region", "tags", "tags_all", "timeouts", "force_destroy", "skip_destroy"}
MOST_TAGS = 50


@dataclass
class Findings:
    """Sentences on wrong values, attributes without a member, and how many values were checked."""

    wrong: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    checked: int = 0


def findings(kind: str, address: str, values: dict[str, Any]) -> Findings:
    """Hold a planned resource against the model of its call."""
    counterpart, found = COUNTERPARTS[kind], Findings()
    shape = _input(counterpart.service, counterpart.call)
    for name in filter(None, counterpart.at.split(".")):
        shape = shape.members[name]
    own = {name: value for name, value in values.items() if name not in _TERRAFORMS_OWN and not _is_empty(value)}
    _structure(shape, own, address, counterpart, found)
    _tags(values.get("tags_all") or {}, address, counterpart, found)
    return found


def _tags(tags: dict[str, str], address: str, counterpart: Counterpart, found: Findings) -> None:
    """Hold tags against IAM's model of them, which has the rules that hold for all services."""
    tag = _input("iam", "CreateRole").members["Tags"].member.members
    for name, text in tags.items():
        _value(tag["Key"], name, f"{address}.tags[{name}]", counterpart, found)
        _value(tag["Value"], text, f"{address}.tags[{name}]", counterpart, found)
    if len(tags) > MOST_TAGS:
        found.wrong.append(f"{address} has {len(tags)} tags: at most {MOST_TAGS}")


def _is_empty(value: Any) -> bool:
    return value is None or value == [] or value == {} or value == ""


def _structure(shape: Shape, values: dict[str, Any], place: str, counterpart: Counterpart, found: Findings) -> None:
    for name, value in values.items():
        if _is_empty(value) or name in counterpart.unchecked:
            continue
        member = _member(shape, name, place.rpartition(".")[2], counterpart)
        if member is None:
            found.unmatched.append(f"{place}.{name}")
        else:
            _value(member, value, f"{place}.{name}", counterpart, found)


def _member(shape: Shape, name: str, parent: str, counterpart: Counterpart) -> Shape | None:
    if name in counterpart.elsewhere:
        service, call, *members = counterpart.elsewhere[name].split(".")
        found = _input(service, call)
        for part in members:
            found = found.members[part]
        return found
    path = counterpart.renames.get(f"{parent}_{name}") or counterpart.renames.get(name)
    if path is not None:
        found: Shape | None = shape
        for part in path.split("."):
            found = found.member if found.type_name == "list" else found
            found = found.members.get(part) if found.type_name == "structure" else None
            if found is None:
                break
        if found is not None:
            return found
    return next(
        (member for member_name, member in shape.members.items() if _letters(member_name) == _letters(name)), None
    )


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def _value(shape: Shape, value: Any, place: str, counterpart: Counterpart, found: Findings) -> None:
    if shape.type_name == "structure":
        if isinstance(value, str):  # JSON
            value = json.loads(value)
        for block in value if isinstance(value, list) else [value]:
            if isinstance(block, dict):
                _structure(shape, block, place, counterpart, found)
            else:
                found.unmatched.append(place)
    elif shape.type_name == "list":
        items = value if isinstance(value, list) else [value]
        if isinstance(value, dict) and set(shape.member.members) == {"Name", "Value"}:  # dimensions
            items = [{"name": name, "value": text} for name, text in value.items()]
        _in_range(shape, len(items), f"{place} has {len(items)} elements", found)
        for item in items:
            if item is not None:
                _value(shape.member, item, place, counterpart, found)
    elif shape.type_name == "map":
        for name, item in value.items():
            _value(shape.key, name, f"{place}[{name}]", counterpart, found)
            _value(shape.value, item, f"{place}[{name}]", counterpart, found)
    else:
        found.checked += 1
        found.wrong += [f"{place} is {value!r}: {rule}" for rule in _broken_rules(shape, value)]


def _broken_rules(shape: Shape, value: Any) -> Iterator[str]:
    if shape.type_name == "string":
        text = value if isinstance(value, str) else json.dumps(value)
        if shape.enum and text not in shape.enum:
            yield f"one of {', '.join(shape.enum)}"
        if (pattern := _pattern(shape)) is not None and not pattern.fullmatch(text):
            yield f"must match {shape.metadata['pattern']}"
        yield from _outside(shape, len(text), "characters")
    elif shape.type_name in ("integer", "long", "double", "float"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield "must be a number"
        else:
            yield from _outside(shape, value, "")
    elif shape.type_name == "boolean" and not isinstance(value, bool):
        yield "must be true or false"


def _outside(shape: Shape, number: float, unit: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and number < least:
        yield f"at least {least} {unit}".strip()
    if most is not None and number > most:
        yield f"at most {most} {unit}".strip()


def _in_range(shape: Shape, number: int, sentence: str, found: Findings) -> None:
    found.wrong += [f"{sentence}: {rule}" for rule in _outside(shape, number, "")]


def _pattern(shape: Shape) -> re.Pattern | None:
    """The model's pattern, put from Java's words into Python's. Raises re.error for one that can't be."""
    text = shape.metadata.get("pattern")
    return re.compile(_in_python(text), re.DOTALL) if text else None


def _in_python(pattern: str) -> str:
    """Java writes letters beyond the first plane as two, knows categories, and ignores case from some place on."""
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff")
    pattern = re.sub(r"\\p\{(\w)\}", lambda category: _letters_of(category[1]), pattern)
    return re.sub(r"\(\?i\)([^()]*)", r"(?i:\1)", pattern)


@lru_cache(maxsize=8)
def _letters_of(category: str) -> str:
    """A Unicode category (L, N, Z) as ranges in a character class."""
    codes = [code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] == category]
    ranges = [[codes[0], codes[0]]]
    for code in codes[1:]:
        if code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


@lru_cache(maxsize=64)
def _input(service: str, call: str) -> Shape:
    return _service(service).operation_model(call).input_shape


@lru_cache(maxsize=32)
def _service(name: str):
    return botocore.session.get_session().get_service_model(name)
