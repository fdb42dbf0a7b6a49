"""Cuts JSON text into the texts of its records, by lines or by the elements of an array, in bounded memory.

Nothing is parsed here: a line is a record whatever it holds, and an array is cut at the commas that are outside
its elements' strings and brackets.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, pairwise

import numpy as np

from shoplake.staging.model import Refused
from shoplake.staging.records import Reject

WHITE_SPACE = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Cut:
    """Some consecutive records, not parsed yet: their numbers (lines, or ordinals in an array) and their texts."""

    numbers: list[int] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def _too_long(number: int, beginning: bytes, max_record_bytes: int, what: str) -> Reject:
    kept = beginning[:max_record_bytes].decode(errors="ignore")  # the cut may tear the last character
    detail = f"the {what} is longer than {max_record_bytes:,} bytes; its beginning is kept here"
    return Reject(number, kept, "record_too_long", detail)


class _OpenRecord:
    """The beginning of a record whose end is still to come: at most the limit and one chunk are held."""

    def __init__(self, max_record_bytes: int, what: str) -> None:
        self._max_record_bytes = max_record_bytes
        self._what = what
        self._pieces: list[bytes] = []
        self._size = 0
        self._is_cast_off = False

    def add(self, piece: bytes, number: int) -> Iterator[Reject]:
        """Hold on to a further piece, or cast the record off when that makes it too long."""
        if self._is_cast_off:
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self._max_record_bytes:
            yield _too_long(number, b"".join(self._pieces), self._max_record_bytes, self._what)
            self._pieces, self._size, self._is_cast_off = [], 0, True

    def finish(self, last_piece: bytes) -> bytes | None:
        """The whole record's text; None for one that was cast off."""
        text = None if self._is_cast_off else b"".join([*self._pieces, last_piece])
        self._pieces, self._size, self._is_cast_off = [], 0, False
        return text


def _reject_long(cut: Cut, max_record_bytes: int, what: str) -> None:
    """Move records over the limit to the rejects."""
    if not cut.texts or max(map(len, cut.texts)) <= max_record_bytes:
        return
    records = list(zip(cut.numbers, cut.texts, strict=True))
    cut.rejects.extend(
        _too_long(number, text, max_record_bytes, what) for number, text in records if len(text) > max_record_bytes
    )
    kept = [(number, text) for number, text in records if len(text) <= max_record_bytes]
    cut.numbers[:] = [number for number, _ in kept]
    cut.texts[:] = [text for _, text in kept]


def cut_lines(chunks: Iterable[bytes], terminator: bytes, max_record_bytes: int) -> Iterator[Cut]:
    """The lines of a text, by their numbers from 1; blank lines count but are no records."""
    line, open_line = 1, _OpenRecord(max_record_bytes, "line")
    for chunk in chain(chunks, [terminator]):
        cut, (first, *rest) = Cut(), chunk.split(terminator)
        if rest:
            *whole, last = rest
            texts = [open_line.finish(first) or b"", *whole]
            for number, text in enumerate(texts, line):
                if text := text.strip(WHITE_SPACE):
                    cut.numbers.append(number)
                    cut.texts.append(text)
            line += len(texts)
            _reject_long(cut, max_record_bytes, "line")
        else:
            last = first
        cut.rejects.extend(open_line.add(last, line))
        yield cut


class ArrayCutter:
    """Cuts the elements of one array; their numbers are ordinals from 1.

    The text begins after the array's opening bracket. After its end `enclosing` objects close, and nothing
    follows. `cuts` raises Refused when the text ends earlier, or goes on.
    """

    def __init__(self, max_record_bytes: int, enclosing: int = 0) -> None:
        self._max_record_bytes = max_record_bytes
        self._enclosing = enclosing
        self._open_element = _OpenRecord(max_record_bytes, "record")
        self._ordinal = 1
        self._depth = 0  # of brackets: 0 within the array, -1 behind it
        self._is_inside_string = False
        self._is_escaped = False  # the next chunk's first byte stands behind a backslash

    def cuts(self, chunks: Iterable[bytes]) -> Iterator[Cut]:
        """The elements, one Cut a chunk."""
        for chunk in chunks:
            yield self.cut(chunk)
        self._refuse_torn()

    def cut(self, chunk: bytes) -> Cut:
        """The elements that end in the next piece of the text."""
        places, kinds = self._structure(chunk)
        depths = self._depth + np.cumsum(_DEPTH_STEPS[kinds], dtype=np.int64)
        is_end = (depths == -1) & (_DEPTH_STEPS[kinds] < 0)
        array_end = int(is_end.argmax()) if self._depth >= 0 and is_end.any() else None
        is_comma = (kinds == _COMMA) & (depths == 0)
        if array_end is not None:
            is_comma[array_end:] = False
        cut = Cut()
        if self._depth >= 0:
            commas = places[is_comma].tolist()
            end = None if array_end is None else int(places[array_end])
            self._take_elements(chunk, commas, end, cut)
        if len(depths):
            self._refuse_more(chunk, places, depths, array_end)
            self._depth = int(depths[-1])
        elif self._is_closed and chunk.strip(WHITE_SPACE):
            self._refuse_second_value(chunk)
        return cut

    @property
    def _is_closed(self) -> bool:
        """Whether the array and the objects around it have ended."""
        return self._depth == -1 - self._enclosing

    def _structure(self, chunk: bytes) -> tuple[np.ndarray, np.ndarray]:
        """The places of brackets, braces and commas outside strings, and which of them each is."""
        data = np.frombuffer(chunk, np.uint8)
        is_quote = data == _QUOTE
        if self._is_escaped or b"\\" in chunk:
            is_quote[self._escaped(data)] = False
        # Only the parity counts, and that survives the overflow of a byte.
        quotes_before = np.cumsum(is_quote, dtype=np.int8)
        places = np.flatnonzero(np.frombuffer(chunk.translate(_IS_STRUCTURE), np.bool_))
        is_outside = (quotes_before[places] & 1) == self._is_inside_string
        if len(chunk):
            self._is_inside_string ^= bool(quotes_before[-1] & 1)
        places = places[is_outside]
        return places, data[places]

    def _escaped(self, data: np.ndarray) -> np.ndarray:
        """The places behind an odd number of backslashes."""
        backslashes = np.flatnonzero(data == _BACKSLASH)
        if self._is_escaped:
            backslashes = np.concatenate([[-1], backslashes])
        is_last_of_run = np.append(np.diff(backslashes) != 1, True)
        run_ends = backslashes[is_last_of_run]
        run_starts = backslashes[np.insert(is_last_of_run[:-1], 0, True)]
        escaped = run_ends[(run_ends - run_starts) % 2 == 0] + 1
        self._is_escaped = bool(len(escaped)) and escaped[-1] == len(data)
        return escaped[:-1] if self._is_escaped else escaped

    def _take_elements(self, chunk: bytes, commas: list[int], end: int | None, cut: Cut) -> None:
        ends = commas if end is None else [*commas, end]
        if ends:
            first = self._open_element.finish(chunk[: ends[0]])
            texts = [(first or b"").strip(WHITE_SPACE)]
            texts += [chunk[comma + 1 : place].strip(WHITE_SPACE) for comma, place in pairwise(ends)]
            is_empty_array = self._ordinal == 1 and ends == [end] and not texts[0]
            skipped = 1 if first is None or is_empty_array else 0
            cut.numbers.extend(range(self._ordinal + skipped, self._ordinal + len(texts)))
            cut.texts.extend(texts[skipped:])
            self._ordinal += len(texts)
        _reject_long(cut, self._max_record_bytes, "record")
        if end is None:
            cut.rejects.extend(self._open_element.add(chunk[ends[-1] + 1 if ends else 0 :], self._ordinal))

    def _refuse_more(self, chunk: bytes, places: np.ndarray, depths: np.ndarray, array_end: int | None) -> None:
        """Raise Refused when something follows the end of the outermost value."""
        is_closed = depths <= -1 - self._enclosing
        if self._is_closed:
            self._refuse_second_value(chunk)
        if is_closed.any() and (rest := chunk[int(places[is_closed.argmax()]) + 1 :].strip(WHITE_SPACE)):
            self._refuse_second_value(rest)

    def _refuse_second_value(self, rest: bytes) -> None:
        shown = rest.strip(WHITE_SPACE)[:40].decode(errors="ignore")
        raise Refused(
            "unreadable",
            f"goes on after the end of its JSON, with `{shown}`: a file holds one array, one object, or one object "
            "a line. Mend it and drop it again.",
        )

    def _refuse_torn(self) -> None:
        if not self._is_closed:
            where = f"at record {self._ordinal:,}" if self._depth >= 0 else "after its last record"
            raise Refused(
                "truncated",
                f"is JSON that was cut off before its end, {where}, so none of it was loaded: "
                "copy the whole file and drop it again.",
            )


_QUOTE, _BACKSLASH, _COMMA = b'"\\,'
_IS_STRUCTURE = bytes(character in b"[]{}," for character in range(256))
_DEPTH_STEPS = np.zeros(256, np.int8)
_DEPTH_STEPS[list(b"[{")] = 1
_DEPTH_STEPS[list(b"]}")] = -1
