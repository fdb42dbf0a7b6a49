"""When the fast path may be taken: that it then gives what the careful path gives is among the properties."""

import pytest

from shoplake.staging.careful import Dialect
from shoplake.staging.fast import read_block

DIALECT = Dialect(b",", b"\n")


def read(block: bytes, max_record_bytes: int = 100):
    return read_block(block, DIALECT, width=2, positions=[1, 0], max_record_bytes=max_record_bytes)


@pytest.mark.parametrize(
    ("block", "first", "second"),
    [
        (b"a,b\r\nc,d\n", ["a", "c"], ["b", "d"]),
        (b'"a","b"\r\n"c",d\n', ["a", "c"], ["b", "d"]),
        (b'"a ""x""",""""\n', ['a "x"'], ['"']),
        (b'"a\n,b",""\nc,"d\r\n"\n', ["a\n,b", "c"], ["", "d\r\n"]),
    ],
)
def test_regular_quotes_are_read_fast(block, first, second):
    found = read(block)
    assert [column.to_pylist() for column in found.columns] == [second, first]
    assert found.consumed == len(block)


@pytest.mark.parametrize("block", [b'a,5" b\n', b'"a"b,c\n', b'"a" ,c\n', b'"a"\rb,c\n', b'a,b "c"\n', b"a,\0\n"])
def test_irregular_quotes_and_nuls_are_left_to_the_careful_path(block):
    assert read(b"x,y\n" + block) is None


def test_an_incomplete_record_is_left_for_the_next_block():
    found = read(b'a,b\nc,"d\n')
    assert (found.consumed, found.line_count, found.raw.to_pylist()) == (4, 1, ["a,b"])
    assert read(b"a,b\nc,d").consumed == 4


@pytest.mark.parametrize("block", [b'a,b\nc,"' + b"x" * 20 + b"\n", b'"' + b"x" * 20 + b'",b\n', b"x" * 20])
def test_records_over_the_limit_are_left_to_the_careful_path(block):
    assert read(block, max_record_bytes=20) is None or read(block, max_record_bytes=19) is None
    assert read(block, max_record_bytes=100) is not None


def test_ragged_records_are_told_apart_and_blank_lines_are_neither():
    found = read(b"a,b\n\nc\n,\n")
    assert found.raw.to_pylist() == ["a,b", ","]
    assert list(found.line_offsets) == [0, 3]
    assert [(r.line_offset, r.cells) for r in found.ragged] == [(2, 1)]
