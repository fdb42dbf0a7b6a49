"""Bytes as received: hash, size, gzip, limits, names."""

import gzip
import hashlib
import zlib

import pytest

from shoplake.staging import Limits, stage
from tests.unit.staging_fakes import FakeContract, stage_bytes

ROWS = b"id,name,price\n1,cup,2.50\n2,mug,3.00\n"
CELLS = [("1", "cup", "2.50"), ("2", "mug", "3.00")]
ZIPPED = gzip.compress(ROWS, mtime=0)


def test_hash_and_sizes_are_of_the_bytes_as_received():
    staging = stage_bytes(ZIPPED, "things.csv.gz").staging
    assert staging.md5 == hashlib.md5(ZIPPED).hexdigest()
    assert (staging.size_bytes, staging.uncompressed_bytes) == (len(ZIPPED), 36)


@pytest.mark.parametrize("name", ["a.csv", "A.CSV", "b.tsv", "c.csv.gz", "d.Tsv.GZ", "e.txt", "odd name;{}[].csv"])
def test_csv_and_tsv_names_are_accepted_in_any_case(name):
    assert stage_bytes(ROWS, name).cells == CELLS


@pytest.mark.parametrize("name", ["a.html", "a.json", "csv", "a.csv.zip", "a.gz", "a", ""])
def test_other_names_are_refused_with_what_is_accepted(name):
    staged = stage_bytes(ROWS, name)
    assert staged.code == "wrong_format"
    assert ".csv, .tsv or .txt" in staged.sentence


def test_a_refused_file_is_hashed_to_its_end_and_leaves_no_files():
    data = ROWS * 100_000
    staged = stage_bytes(data, "a.html")
    assert staged.staging.md5 == hashlib.md5(data).hexdigest()
    assert staged.staging.size_bytes == len(data)
    assert staged.left_files == []


def test_gzip_is_unpacked_without_a_note():
    staged = stage_bytes(ZIPPED, "things.csv.gz")
    assert staged.cells == CELLS
    assert staged.staging.notes == []


def test_gzip_under_a_plain_name_is_unpacked_with_a_note():
    staged = stage_bytes(ZIPPED, "things.csv")
    assert staged.cells == CELLS
    assert staged.staging.notes == ["the file is gzipped though its name does not end in .gz; it was unpacked"]


def test_plain_text_under_a_gzip_name_is_read_with_a_note():
    staged = stage_bytes(ROWS, "things.csv.gz")
    assert staged.cells == CELLS
    assert staged.staging.notes == ["the file is not gzipped though its name ends in .gz; it was read as it is"]


def test_gzip_members_follow_one_another_with_zeros_between_and_after():
    members = gzip.compress(b"id,name,price\n1,cup,2.") + b"\0" * 512 + gzip.compress(b"50\n2,mug,3.00\n")
    assert stage_bytes(members + b"\0" * 512, "things.csv.gz").cells == CELLS


def test_gzip_read_byte_by_byte_is_the_same():
    assert stage_bytes(ZIPPED, "things.csv.gz", read_size=1).cells == CELLS


@pytest.mark.parametrize("length", range(2, len(ZIPPED)))
def test_gzip_cut_anywhere_is_truncated_even_when_all_lines_are_there(length):
    staged = stage_bytes(ZIPPED[:length], "things.csv.gz")
    assert staged.code == "truncated"
    assert staged.left_files == []
    assert staged.staging.rows_read == 0
    assert staged.staging.md5 == hashlib.md5(ZIPPED[:length]).hexdigest()


def test_a_second_gzip_member_that_is_cut_is_truncated():
    assert stage_bytes(ZIPPED + gzip.compress(b"3,pot,9.00\n")[:-3], "things.csv.gz").code == "truncated"


def test_gzip_with_a_wrong_checksum_is_unreadable():
    broken = ZIPPED[:-8] + bytes([ZIPPED[-8] ^ 1]) + ZIPPED[-7:]
    staged = stage_bytes(broken, "things.csv.gz")
    assert staged.code == "unreadable"
    assert "incorrect data check" in staged.sentence
    assert staged.left_files == []


def test_gzip_followed_by_garbage_is_unreadable():
    assert stage_bytes(ZIPPED + b"garbage", "things.csv.gz").code == "unreadable"


def test_gzip_of_nothing_is_empty():
    assert stage_bytes(gzip.compress(b""), "things.csv.gz").code == "empty"


def test_a_gzip_bomb_stops_at_the_limit():
    bomb = gzip.compress(ROWS + b"3,pot,9.00\n" * 5_000_000)
    staged = stage_bytes(bomb, "things.csv.gz", max_bytes=1_000_000)
    assert staged.code == "too_large"
    assert "1,000,000 bytes" in staged.sentence
    assert staged.staging.uncompressed_bytes < 2_000_000
    assert staged.staging.md5 == ""
    assert staged.left_files == []


def test_a_plain_file_of_the_limit_loads_and_one_byte_more_does_not():
    assert stage_bytes(ROWS, max_bytes=len(ROWS)).code is None
    assert stage_bytes(ROWS, max_bytes=len(ROWS) - 1).code == "too_large"


def test_deflate_without_a_gzip_wrapper_is_not_text():
    assert stage_bytes(zlib.compress(ROWS * 2000), "things.csv.gz").code is not None


def test_a_failing_stream_raises_and_leaves_no_files(tmp_path):
    class Broken:
        def __init__(self):
            self.reads = 0

        def read(self, size):
            self.reads += 1
            if self.reads > 8:
                raise ConnectionError("reset")
            return ROWS * 7000 if self.reads == 1 else b"3,pot,9.00\n" * 23_000

    with pytest.raises(ConnectionError):
        stage(Broken(), "a.csv", FakeContract(), tmp_path / "s", tmp_path / "r", Limits(10**9, 10**6))
    assert list(tmp_path.iterdir()) == []
