"""Records: quotes, line numbers, ragged rows, and quotes that never close."""

import io

import pyarrow.parquet as pq
import pytest

from shoplake.staging import Limits, stage
from tests.unit.staging_fakes import FakeContract, stage_bytes

HEADER = b"id,name,price\n"


def test_quoted_cells_hold_delimiters_newlines_and_doubled_quotes():
    staged = stage_bytes(HEADER + b'1,"a, ""b""\r\nc",2\n"2","",3\n')
    assert staged.records == [
        (2, '1,"a, ""b""\r\nc",2', "1", 'a, "b"\r\nc', "2"),
        (4, '"2","",3', "2", "", "3"),
    ]


def test_values_are_kept_exactly_with_spaces_and_empty_cells():
    assert stage_bytes(HEADER + b" 01 ,, 17850.0\n").cells == [(" 01 ", "", " 17850.0")]


def test_a_quote_within_a_cell_is_text():
    assert stage_bytes(HEADER + b'1,5" pipe,2\n2,"a"b"c,3\n').cells == [
        ("1", '5" pipe', "2"),
        ("2", 'ab"c', "3"),
    ]


def test_the_last_line_needs_no_line_ending():
    assert stage_bytes(HEADER + b"1,cup,2\n2,mug,3").records[-1] == (3, "2,mug,3", "2", "mug", "3")


def test_blank_lines_are_no_records_and_line_numbers_stay_right():
    staged = stage_bytes(HEADER + b"\n1,cup,2\n\r\n   \n2,mug,3\n\n")
    assert [record[0] for record in staged.records] == [3, 6]
    assert staged.staging.rows_read == 2


def test_a_row_of_empty_cells_is_a_record():
    assert stage_bytes(HEADER + b",,\n").cells == [("", "", "")]


def test_ragged_rows_are_quarantined_with_line_text_and_detail():
    staged = stage_bytes(HEADER + b"1,cup,2\n2,mug\n3,pot,4,5\n4,jug,6\n")
    assert staged.cells == [("1", "cup", "2"), ("4", "jug", "6")]
    assert staged.rejects == [
        {
            "line": 3,
            "raw_text": "2,mug",
            "reasons": ["ragged_row"],
            "detail": "2 cells where the header has 3",
        },
        {
            "line": 4,
            "raw_text": "3,pot,4,5",
            "reasons": ["ragged_row"],
            "detail": "4 cells where the header has 3",
        },
    ]
    found = staged.staging
    assert (found.rows_read, found.rows_staged, found.rows_quarantined) == (4, 2, 2)
    assert [(p.line, p.value, p.rule) for p in found.problems] == [
        (3, "2,mug", "ragged_row"),
        (4, "3,pot,4,5", "ragged_row"),
    ]


def test_a_trailing_delimiter_on_every_line_is_no_column():
    staged = stage_bytes(b"id,name,price,\n1,cup,2,\n2,mug,3,\n")
    assert staged.cells == [("1", "cup", "2"), ("2", "mug", "3")]
    assert staged.staging.header == ["id", "name", "price"]
    assert staged.staging.extra_columns == []


def test_a_trailing_delimiter_on_one_row_is_ragged():
    assert stage_bytes(HEADER + b"1,cup,2,\n2,mug,3\n").rejected == [(2, "ragged_row")]


def test_a_clean_file_leaves_no_rejects_file():
    assert stage_bytes(HEADER + b"1,cup,2\n").left_files == ["staged.parquet"]


def test_problems_stop_at_the_limit_and_values_are_shortened():
    staged = stage_bytes(HEADER + b"".join(b"%d,%s\n" % (n, b"x" * 300) for n in range(7)), max_problems=3)
    assert len(staged.rejects) == 7
    assert [p.line for p in staged.staging.problems] == [2, 3, 4]
    assert {len(p.value) for p in staged.staging.problems} == {200}
    assert staged.staging.notes == ["the first 3 of 7 problems are listed"]


def test_a_quote_open_at_the_end_of_the_file_costs_its_first_line_only():
    staged = stage_bytes(HEADER + b'1,cup,2\n2,"mug,3\n3,pot,4\n4,jug,5\n')
    assert staged.cells == [("1", "cup", "2"), ("3", "pot", "4"), ("4", "jug", "5")]
    assert staged.rejected == [(3, "unclosed_quote")]
    assert staged.rejects[0]["raw_text"] == '2,"mug,3'


def test_a_quote_open_on_the_last_line_costs_that_line():
    assert stage_bytes(HEADER + b'1,cup,2\n2,"mug').rejected == [(3, "unclosed_quote")]


@pytest.mark.parametrize("read_size", [7, 64, 1_000_000])
def test_a_quote_open_for_longer_than_a_record_may_be_costs_its_first_line_only(read_size):
    rows = b"".join(b"%d,cup,2\n" % n for n in range(100, 200))
    staged = stage_bytes(HEADER + b'1,"mug,3\n' + rows, max_record_bytes=50, read_size=read_size)
    assert staged.rejected == [(2, "unclosed_quote")]
    assert staged.cells == [(str(n), "cup", "2") for n in range(100, 200)]


def test_a_record_of_the_longest_length_is_kept_and_one_byte_more_is_not():
    record = b'1,"a\nb",2'
    assert stage_bytes(HEADER + record + b"\n", max_record_bytes=len(record)).cells == [("1", "a\nb", "2")]
    staged = stage_bytes(HEADER + record + b"\n", max_record_bytes=len(record) - 1)
    assert staged.rejected == [(2, "unclosed_quote"), (3, "ragged_row")]


@pytest.mark.parametrize("read_size", [10, 1_000_000])
def test_a_line_longer_than_a_record_may_be_is_quarantined_with_its_beginning(read_size):
    staged = stage_bytes(
        HEADER + b"1,cup,2\n2," + b"x" * 500 + b",3\n3,pot,4\n", max_record_bytes=40, read_size=read_size
    )
    assert staged.cells == [("1", "cup", "2"), ("3", "pot", "4")]
    assert staged.rejected == [(3, "record_too_long")]
    assert staged.rejects[0]["raw_text"] == "2," + "x" * 38
    assert staged.records[-1][0] == 4


@pytest.mark.parametrize("quote", [b"", b'"'])
def test_a_file_whose_one_line_never_ends_is_read_in_bounded_pieces(quote):
    staged = stage_bytes(HEADER + quote + b"x" * 3_000_000, max_record_bytes=1000)
    assert staged.rejected == [(2, "record_too_long")]


def test_an_open_quote_before_a_line_that_never_ends_costs_both_lines():
    staged = stage_bytes(HEADER + b'1,"mug,3\n' + b"x" * 3_000_000, max_record_bytes=1000)
    assert staged.rejected == [(2, "unclosed_quote"), (3, "record_too_long")]


def test_many_lines_that_each_open_a_quote_take_linear_time():
    # From inside quotes, such a line closes them and opens them again: each would run to the limit.
    staged = stage_bytes(b"id,price\n" + b'a","b\n' * 200_000, max_record_bytes=1_000_000)
    assert staged.staging.rows_quarantined == 200_000
    assert {reason for _, reason in staged.rejected} == {"unclosed_quote"}


def test_a_stray_quote_in_one_block_leaves_later_blocks_and_lines_right():
    rows = b'7,"cup, blue",2\n' * 60_000
    staged = stage_bytes(HEADER + rows + b'8,5" pipe,2\n' + rows)
    assert staged.records[60_000] == (60_002, '8,5" pipe,2', "8", '5" pipe', "2")
    assert staged.records[-1] == (120_002, '7,"cup, blue",2', "7", "cup, blue", "2")


def test_row_groups_are_bounded(tmp_path):
    data = io.BytesIO(HEADER + b"1,cup,2\n" * 300_000)
    stage(data, "a.csv", FakeContract(), tmp_path / "s", tmp_path / "r", Limits(10**9, 10**6))
    metadata = pq.read_metadata(tmp_path / "s")
    assert metadata.num_rows == 300_000
    assert max(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)) <= 131_072
