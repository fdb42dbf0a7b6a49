"""From bytes to text: UTF-8, UTF-16, Windows-1252, byte order marks, and what isn't text."""

import gzip

import pytest

from tests.unit.staging_fakes import stage_bytes

TEXT = "id,name,price\n1,Käse €,2\n"
CELLS = [("1", "Käse €", "2")]


@pytest.mark.parametrize(
    ("data", "encoding", "has_bom"),
    [
        (TEXT.encode("utf-8"), "utf-8", False),
        (b"\xef\xbb\xbf" + TEXT.encode("utf-8"), "utf-8", True),
        (b"\xff\xfe" + TEXT.encode("utf-16-le"), "utf-16-le", True),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16-be", True),
        (TEXT.encode("utf-16-le"), "utf-16-le", False),
        (TEXT.encode("utf-16-be"), "utf-16-be", False),
        (b"id,name,price\n1,K\xe4se \x80,2\n", "windows-1252", False),
    ],
)
@pytest.mark.parametrize("read_size", [1, 3, 1_000_000])
def test_encodings_give_the_same_cells(data, encoding, has_bom, read_size):
    staged = stage_bytes(data, read_size=read_size)
    assert staged.cells == CELLS
    assert (staged.staging.encoding, staged.staging.has_bom) == (encoding, has_bom)


def test_bytes_that_are_not_utf8_are_counted_in_a_note():
    staged = stage_bytes(b"id,name,price\n1,K\xe4se \x80,2\n")
    assert staged.staging.notes == ["2 bytes were not UTF-8 and read as Windows-1252"]


def test_one_such_byte_late_in_a_large_file_leaves_the_earlier_utf8_alone():
    first = "1,Käse,2\n".encode()
    staged = stage_bytes(b"id,name,price\n" + first * 200_000 + b"2,Caf\xe9,3\n")
    assert staged.cells[0] == ("1", "Käse", "2")
    assert staged.cells[-1] == ("2", "Café", "3")
    assert staged.staging.notes == ["1 byte was not UTF-8 and read as Windows-1252"]


def test_bytes_that_windows_1252_does_not_define_are_kept_as_controls():
    assert stage_bytes(b"id,name,price\n1,a\x81b,2\n").cells == [("1", "a\x81b", "2")]


def test_a_torn_utf8_character_at_the_end_of_the_file_is_read_as_windows_1252():
    assert stage_bytes(b"id,price,name\n1,2,caf\xc3").cells == [("1", "cafÃ", "2")]


def test_half_a_utf16_character_at_the_end_is_noted():
    staged = stage_bytes(b"\xff\xfe" + "id,price,name\n1,2,cup".encode("utf-16-le") + b"\x41")
    assert staged.cells == [("1", "cup\ufffd", "2")]
    assert staged.staging.notes == ["characters that stand as U+FFFD because they were not UTF-16: 1"]


def test_characters_beyond_the_basic_plane_survive():
    assert stage_bytes("id,name,price\n1,🧦,2\n".encode("utf-16")).cells == [("1", "🧦", "2")]


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\t\n ", b"\xef\xbb\xbf", b"\xff\xfe", b"\xef\xbb\xbf\n\n"])
def test_nothing_but_white_space_is_empty(data):
    staged = stage_bytes(data)
    assert staged.code == "empty"
    assert staged.left_files == []


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00xl/workbook.xml", "Excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "Excel"),
        (b"%PDF-1.7\n%\xe2\xe3\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
        (b"PAR1\x15\x04\x15", "Parquet"),
        (b"\x00\x01\x02\x03id,name,price\n", "not text"),
        (b"id,na\x00me,price\n1,cup,2\n", "not text"),
        (bytes(range(1, 32)) * 40, "not text"),
        ("id,name,price\n1,cup,2\n".encode("utf-32"), "not text"),
    ],
)
def test_what_is_not_text_is_binary(data, kind):
    staged = stage_bytes(data)
    assert staged.code == "binary"
    assert kind in staged.sentence


def test_gzip_inside_gzip_says_so():
    staged = stage_bytes(gzip.compress(gzip.compress(b"id,price\n1,2\n")), "things.csv.gz")
    assert staged.code == "binary"
    assert "gzip inside gzip" in staged.sentence


def test_nuls_in_later_lines_of_a_small_file_do_not_make_it_utf16():
    staged = stage_bytes(b"id,name,price\n\x00a\x00a\x00")
    assert staged.staging.encoding == "utf-8"
    assert staged.rejected == [(2, "nul_character")]


def test_a_nul_in_a_later_line_costs_that_record_only():
    staged = stage_bytes(b"id,name,price\n1,cup,2\n2,m\x00g,3\n3,pot,4\n")
    assert staged.cells == [("1", "cup", "2"), ("3", "pot", "4")]
    assert staged.rejects == [
        {
            "line": 3,
            "raw_text": "2,m\x00g,3",
            "reasons": ["nul_character"],
            "detail": "the record holds a NUL character",
        }
    ]
