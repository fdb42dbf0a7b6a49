"""Delimiter, line ending and header: found by what fits the contract."""

import pytest

from tests.unit.staging_fakes import stage_bytes


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(("ending", "name"), [("\n", "LF"), ("\r\n", "CRLF"), ("\r", "CR")])
def test_each_delimiter_with_each_line_ending(delimiter, ending, name):
    lines = [["id", "name", "price"], ["1", "a cup", "2"], ["2", "a mug", "3"]]
    text = "".join(delimiter.join(cells) + ending for cells in lines)
    staged = stage_bytes(text.encode())
    assert staged.records == [
        (2, delimiter.join(lines[1]), "1", "a cup", "2"),
        (3, delimiter.join(lines[2]), "2", "a mug", "3"),
    ]
    assert (staged.staging.delimiter, staged.staging.line_ending) == (delimiter, name)


def test_the_delimiter_is_the_one_whose_header_matches_though_another_is_more_frequent():
    staged = stage_bytes(b"id;price;a,b,c,d,e,f\n1;2,50;x,x,x,x,x,x\n")
    assert staged.staging.delimiter == ";"
    assert staged.cells == [("1", "2,50")]


def test_a_delimiter_inside_quotes_does_not_count():
    staged = stage_bytes(b'id;"name";price;"a,b,c,d,e"\n1;cup;2;x\n')
    assert staged.staging.header == ["id", "name", "price", "a,b,c,d,e"]


def test_where_headers_match_alike_even_rows_decide():
    # The comma finds `price` in this header, the semicolon `id`.
    assert stage_bytes(b"id;a,price\n1;x;y,2\n").staging.delimiter == ","
    assert stage_bytes(b"id;a,price\n1;x,y,2\n").staging.delimiter == ";"


def test_a_file_of_one_line_ending_inside_quotes_keeps_its_own_ending():
    # Old Excel for Mac: records end with CR, lines inside a cell with LF.
    staged = stage_bytes(b'id,name,price\r1,"two\nlines",2\r2,mug,3\r')
    assert staged.records == [
        (2, '1,"two\nlines",2', "1", "two\nlines", "2"),
        (3, "2,mug,3", "2", "mug", "3"),
    ]


def test_a_carriage_return_within_a_line_of_a_newline_file_is_text():
    assert stage_bytes(b"id,name,price\n1,a\rb,2\r\n").records == [(2, "1,a\rb,2", "1", "a\rb", "2")]


def test_header_names_may_be_quoted_and_span_lines():
    staged = stage_bytes(b'id,"a\nnote","price"\n1,x,2\n')
    assert staged.staging.header == ["id", "a\nnote", "price"]
    assert staged.records == [(3, "1,x,2", "1", "2")]


def test_blank_lines_before_the_header_count_as_lines():
    assert stage_bytes(b"\n \nid,price\n1,2\n").records == [(4, "1,2", "1", "2")]


def test_a_header_alone_is_accepted_with_a_note():
    for data in (b"id,price\n", b"id,price", b"id,price\n\n\n"):
        staged = stage_bytes(data)
        assert staged.code is None
        assert (staged.staging.rows_read, staged.records, staged.left_files) == (0, [], ["staged.parquet"])
        assert staged.staging.notes == ["the file holds a header and no records"]


def test_extra_columns_are_reported_and_kept_in_raw():
    staged = stage_bytes(b"id,colour,price\n1,red,2\n")
    assert staged.staging.extra_columns == ["colour"]
    assert staged.records == [(2, "1,red,2", "1", "2")]
    assert staged.staging.source == "fake"


def test_extra_columns_may_share_a_name():
    assert stage_bytes(b"id,x,x,price\n1,a,b,2\n").cells == [("1", "2")]


def test_columns_are_staged_by_name_in_whatever_order_they_stand():
    assert stage_bytes(b"unit_price,title,order_no\n2,cup,1\n").cells == [("1", "cup", "2")]


def test_a_first_line_of_values_is_a_missing_header():
    staged = stage_bytes(b"536365,WHITE LANTERN,2.55\n536366,RED LANTERN,3.39\n")
    assert staged.code == "header_missing"
    assert "line 1 is `536365,WHITE LANTERN,2.55`" in staged.sentence
    assert staged.staging.problems[0].line == 1


def test_a_header_without_a_required_column_names_it_its_other_names_and_the_header():
    staged = stage_bytes(b"id,name,cost\n1,cup,2\n")
    assert staged.code == "missing_column"
    assert "price (also accepted as unit_price)" in staged.sentence
    assert "`id,name,cost`" in staged.sentence
    assert [(p.line, p.column, p.rule) for p in staged.staging.problems] == [(1, "price", "missing_column")]


def test_a_header_of_unknown_names_lacks_the_required_columns():
    staged = stage_bytes(b"foo,bar\n1,2\n")
    assert staged.code == "missing_column"
    assert "id" in staged.sentence and "price" in staged.sentence


def test_two_names_for_one_column_are_refused_by_name():
    staged = stage_bytes(b"id,price,order_no\n1,2,3\n")
    assert staged.code == "ambiguous_column"
    assert "`id` and `order_no` both mean id" in staged.sentence


@pytest.mark.parametrize(
    "data", [b'{"id": 1, "price": 2}\n', b'[\n {"id": 1}\n]\n', b"<!DOCTYPE html>\n<p>Log in, please</p>\n"]
)
def test_json_and_web_pages_under_a_csv_name_are_the_wrong_format(data):
    assert stage_bytes(data).code == "wrong_format"


def test_a_header_whose_quote_never_closes_is_refused():
    assert stage_bytes(b'"id,price\n1,2\n').code == "header_missing"
