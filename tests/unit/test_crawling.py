"""What a crawler makes of a file's beginning, and of all files of a folder."""

import gzip
import io
import json

import pytest

from local.crawling.samples import SAMPLE_BYTES, Unreadable
from local.crawling.shapes import Classifiers, shape_of
from local.crawling.tables import CrawledFile, describe

BUILT_IN = Classifiers()
WITH_HEADER = Classifiers(csv={"ContainsHeader": "PRESENT", "Delimiter": ","})
RECORDS = Classifiers(json_paths=("$[*]",))


def columns_of(content: str | bytes, classifiers: Classifiers = BUILT_IN) -> dict:
    file = io.BytesIO(content.encode() if isinstance(content, str) else content)
    return shape_of(file, classifiers).columns


def crawled(content: str, *folders: str) -> CrawledFile:
    return CrawledFile(folders, len(content), shape_of(io.BytesIO(content.encode()), WITH_HEADER))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", ""], "bigint"),
        (["1", "2.5"], "double"),
        (["1e3"], "double"),
        (["0", "0.5"], "double"),
        (["true", "FALSE"], "boolean"),
        (["00123"], "string"),
        (["1", "n/a"], "string"),
        (["2024-03-01 10:00:00"], "string"),
        (["17850.0"], "double"),
        (["99999999999999999999"], "double"),
    ],
)
def test_the_type_of_a_csv_column_holds_all_its_values(values, kind):
    assert columns_of("name,x\n" + "".join(f"a,{value}\n" for value in values), WITH_HEADER)["x"] == kind


def test_without_a_classifier_a_header_is_told_by_what_stands_below_it():
    assert list(columns_of("id,price\nA,1\n")) == ["id", "price"]
    assert list(columns_of("id,name\nA,Cup\n")) == ["col0", "col1"]  # nothing sets the first line apart
    assert list(columns_of("A,1\nB,2\n")) == ["col0", "col1"]


def test_names_are_in_lower_case_and_unique():
    assert list(columns_of("Name,NAME,,x\na,b,c,1\n", WITH_HEADER)) == ["name", "name_2", "col2", "x"]


def test_quoted_delimiters_and_line_breaks_stay_within_their_value():
    assert columns_of('id,price,name\n1,2.5,"Cup, blue\nand round"\n2,3,Pot\n', WITH_HEADER) == {
        "id": "bigint",
        "price": "double",
        "name": "string",
    }


def test_a_record_that_the_sample_cuts_off_does_not_count():
    rows = "id,price\n" + "1,2\n" * SAMPLE_BYTES
    assert columns_of(rows[: SAMPLE_BYTES - 1] + "x,y\n" * 9) == {"id": "bigint", "price": "bigint"}


@pytest.mark.parametrize("cut", [None, -20])
def test_json_that_is_cut_off_is_read_up_to_there(cut):
    text = json.dumps([{"id": n, "name": "x"} for n in range(5)])
    assert columns_of(text[:cut], RECORDS) == {"id": "int", "name": "string"}


def test_an_array_inside_an_object_is_read_where_the_path_leads():
    text = json.dumps({"page": 1, "shop": {"orders": [{"id": 1}, {"id": 2**40}]}})
    assert columns_of(text, Classifiers(json_paths=("$[*]", "$.shop.orders[*]"))) == {"id": "bigint"}
    assert list(columns_of(text)) == ["page", "shop"]


def test_an_array_without_a_classifier_is_one_column_as_in_glue():
    assert columns_of('[{"id": 1}]') == {"array": [{"id": "int"}]}


@pytest.mark.parametrize(
    "content",
    [b"", b"\x1f\x8bbroken", gzip.compress(b"", mtime=0), "a,b\n1,2\n".encode("utf-16"), b"one\ntwo\n", b"{torn"],
)
def test_what_no_classifier_knows_is_unreadable(content):
    with pytest.raises(Unreadable):
        columns_of(content)


def test_columns_keep_the_order_in_which_they_were_first_seen():
    table = describe([crawled("b,a\n1,2\n"), crawled("new,a,b\n1,2,3\n")], "crawler")
    assert [column["Name"] for column in table.columns] == ["b", "a", "new"]


def test_the_columns_of_the_present_table_stay_in_front_as_long_as_some_file_has_them():
    table = describe([crawled("a,b\n1,2\n")], "crawler", known_columns=["b", "gone"])
    assert [column["Name"] for column in table.columns] == ["b", "a"]


def test_files_of_another_format_than_most_are_passed_over():
    lines = CrawledFile((), 9, shape_of(io.BytesIO(b'{"x": 1}\n'), RECORDS))
    table = describe([crawled("a,b\n1,2\n"), lines, crawled("a,b\n1,2\n")], "crawler")
    assert ([column["Name"] for column in table.columns], table.passed_over) == (["a", "b"], 1)


def test_partition_keys_are_those_of_most_files_and_others_lie_outside():
    rows = "a,b\n1,2\n"
    files = [crawled(rows), crawled(rows, "date=2025-01-01"), crawled(rows, "source=web", "date=2025-01-01")]
    by_day = describe([*files, crawled(rows, "date=2025-01-02")], "crawler")
    assert (by_day.keys, by_day.partitions) == (("date",), [("date=2025-01-01",), ("date=2025-01-02",)])
    assert by_day.outside == 2
    assert describe(files, "crawler").keys == ("source", "date")  # as many of each: the deepest
    flat = describe([*files, crawled(rows)], "crawler")
    assert (flat.keys, flat.partitions, flat.outside) == ((), [], 0)  # and sees the files in folders as well


def test_a_column_named_as_a_partition_key_gets_another_name():
    table = describe([crawled("date,b\n1,2\n", "date=2025-01-01")], "crawler")
    assert [column["Name"] for column in table.columns] == ["date_2", "b"]
