"""Which form a JSON file has: lines of objects, one array, or an object that holds the array at a named path.

It is found in the file's beginning, whatever its name says.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

import msgspec

from shoplake.contracts import Contract
from shoplake.staging.json_cut import WHITE_SPACE, ArrayCutter, Cut, cut_lines
from shoplake.staging.json_fields import decode_object
from shoplake.staging.model import Refused

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]:,]', re.DOTALL)
_SHOWN_KEYS = 20


@dataclass(frozen=True)
class Form:
    """Where a file's records are."""

    name: str  # of the contract's formats: json_lines or json
    start: int = 0  # offset of the text that is to be cut
    terminator: bytes = b"\n"  # of lines
    records: str | None = None  # the path of the array within its object

    def cuts(self, chunks: Iterable[bytes], max_record_bytes: int) -> Iterator[Cut]:
        """The records of a text that begins at `start`."""
        if self.name == "json_lines":
            return cut_lines(chunks, self.terminator, max_record_bytes)
        return ArrayCutter(max_record_bytes, self._enclosing).cuts(chunks)

    def sample(self, text: bytes, is_whole: bool, max_record_bytes: int) -> Cut:
        """The whole records of a file's beginning."""
        text = text[self.start :]
        if self.name == "json":
            return ArrayCutter(max_record_bytes, self._enclosing).cut(text)
        if not is_whole:
            text = text[: text.rfind(self.terminator) + 1]
        cuts = list(cut_lines([text], self.terminator, max_record_bytes))
        return Cut(list(chain(*(cut.numbers for cut in cuts))), list(chain(*(cut.texts for cut in cuts))))

    @property
    def _enclosing(self) -> int:
        return len(self.records.split(".")) if self.records else 0


@dataclass(frozen=True)
class _Missing:
    """Why a path leads nowhere, as a sentence goes on behind its name."""

    what: str


def find_form(text: bytes, is_whole: bool, contract: Contract) -> Form:
    """The form of the file that begins with `text` (UTF-8, without byte order mark, not blank).

    A path must begin within `text`. Raises Refused where it is no JSON, or an object without any of the paths
    that the contract's sources name.
    """
    terminator = b"\r" if b"\n" not in text and b"\r" in text.strip(WHITE_SPACE) else b"\n"
    lines = Form("json_lines", terminator=terminator)
    stripped = text.lstrip(WHITE_SPACE)
    if stripped.startswith(b"["):
        return Form("json", start=len(text) - len(stripped) + 1)
    first, _, rest = stripped.partition(terminator)
    first = first.rstrip(WHITE_SPACE)
    if _is_object(first) and rest.strip(WHITE_SPACE):
        return lines
    if stripped.startswith(b"{"):
        found = {path: find_array(text, path.split(".")) for path in _paths(contract)}
        for path, place in found.items():
            if isinstance(place, int):
                return Form("json", start=place, records=path)
        is_a_record = _is_object(first) and not contract.match_header(list(decode_object(first))).missing
        is_one_object = first == b"{" or (is_whole and _is_object(stripped))
        if found and is_one_object and not is_a_record:
            raise _without_path(found)
    if any(_is_object(line.strip(WHITE_SPACE)) for line in text.split(terminator)):
        return lines
    if stripped.startswith(b"{") and not is_whole and terminator not in stripped:
        return lines  # the first line is longer than what is looked at
    raise _no_json(stripped, contract)


def bound_to_form(contract: Contract, form: Form) -> Contract:
    """The contract for a file of this form: for an object, only the sources whose records are at that path."""
    if form.records is None:
        return contract
    return replace(contract, sources=tuple(s for s in contract.sources if s.records == form.records))


def find_array(text: bytes, path: list[str]) -> int | _Missing:
    """The offset behind the opening bracket of the array that stands at a path of the object in `text`."""
    found, depth, keys, last_key = 0, 0, [], None
    tokens = _TOKEN.finditer(text)
    for token in tokens:
        kind = token[0]
        if kind == b"{" or kind == b"[":
            depth += 1
        elif kind == b"}" or kind == b"]":
            depth -= 1
            if depth == found:
                return _Missing(f"{_place(path, found)} has {_listed(keys)}")
        elif kind == b":" and depth == found + 1:
            key = _text(last_key)
            keys.append(key)
            if key == path[found]:
                value = next(tokens, None)
                is_last = found + 1 == len(path)
                opens = value is not None and not text[token.end() : value.start()].strip(WHITE_SPACE)
                if not opens or value[0] != (b"[" if is_last else b"{"):
                    what = "is no array" if is_last else "is no object"
                    return _Missing(f"`{'.'.join(path[: found + 1])}` {what}")
                if is_last:
                    return value.end()
                found, depth, keys = found + 1, depth + 1, []
        last_key = kind
    return _Missing(f"{_place(path, found)} begins with {_listed(keys)}")


def _paths(contract: Contract) -> list[str]:
    return list(dict.fromkeys(source.records for source in contract.sources if source.records))


def _is_object(text: bytes) -> bool:
    try:
        decode_object(text)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True


def _text(token: bytes | None) -> str:
    """A key as it is meant; of what is no string, the text that stands there."""
    try:
        return msgspec.json.decode(token or b"", type=str)
    except msgspec.MsgspecError:
        return (token or b"").decode()


def _place(path: list[str], found: int) -> str:
    return f"`{'.'.join(path[:found])}`" if found else "the object"


def _listed(keys: list[str]) -> str:
    shown = ", ".join(f"`{key}`" for key in keys[:_SHOWN_KEYS])
    more = f" and {len(keys) - _SHOWN_KEYS:,} more" if len(keys) > _SHOWN_KEYS else ""
    return f"{shown}{more}" if keys else "no keys"


def _without_path(missing: dict[str, _Missing]) -> Refused:
    wanted = " or ".join(f"`{path}`" for path in missing)
    found = "; ".join(dict.fromkeys(reason.what for reason in missing.values()))
    return Refused(
        "missing_records",
        f"is a JSON object without the array {wanted} that holds the records: {found}. "
        "Export it with that array, or name the right path in the contract, and drop it again.",
    )


def _no_json(text: bytes, contract: Contract) -> Refused:
    shown = text[:40].decode(errors="ignore").partition("\n")[0]
    if text.startswith(b"{"):
        what = f"begins like a JSON object (`{shown}`), but no line of it is a whole one"
    else:
        what = f"is not JSON, though its name says so (it begins with `{shown}`)"
    paths = [f"an object with the array `{path}`" for path in _paths(contract)]
    return Refused(
        "wrong_format",
        f"{what}: {contract.dataset} takes {' or '.join(['one object a line', 'one array of objects', *paths])}. "
        "Export it so and drop it again.",
    )
