"""Raw tables in local Athena: what each SerDe makes of files, partitions, and what is scanned.

What is expected is what AWS's documentation says of the SerDes, written out by hand.
"""

import gzip
import io
import json
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.test_athena import Answer
from tests.integration.test_emulator_crawlers import Place

LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
JSON = "org.openx.data.jsonserde.JsonSerDe"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
COMMA = {"field.delim": ","}
QUOTED = {"separatorChar": ",", "quoteChar": '"'}


class Table:
    """A table `t` of a database of its own, and the files under it."""

    def __init__(self, aws, serde, columns, parameters=None, header=False, keys=()):
        self.aws, self.database = aws, f"raw_{uuid.uuid4().hex[:8]}"
        self.bucket = self.database.replace("_", "-")
        aws("s3").create_bucket(Bucket=self.bucket)
        aws("glue").create_database(DatabaseInput={"Name": self.database})
        location = {"OutputLocation": f"s3://{self.bucket}/results/"}
        aws("athena").create_work_group(Name=self.database, Configuration={"ResultConfiguration": location})
        self.storage = {
            "Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()],
            "Location": f"s3://{self.bucket}/t/",
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters or {}},
        }
        aws("glue").create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": "t",
                "TableType": "EXTERNAL_TABLE",
                "StorageDescriptor": self.storage,
                "PartitionKeys": [{"Name": name, "Type": "string"} for name in keys],
                "Parameters": {"skip.header.line.count": "1"} if header else {},
            },
        )

    def put(self, name: str, content: bytes | str) -> None:
        body = content.encode() if isinstance(content, str) else content
        self.aws("s3").put_object(Bucket=self.bucket, Key=f"t/{name}", Body=body)

    def add_partition(self, folder: str) -> None:
        values = [part.partition("=")[2] for part in folder.split("/")]
        storage = {**self.storage, "Location": f"{self.storage['Location']}{folder}/"}
        self.aws("glue").create_partition(
            DatabaseName=self.database, TableName="t", PartitionInput={"Values": values, "StorageDescriptor": storage}
        )

    def ask(self, sql: str) -> Answer:
        return asked(self.aws, self.database, self.database, sql)


def asked(aws, database: str, workgroup: str, sql: str) -> Answer:
    context = {"Database": database}
    started = aws("athena").start_query_execution(QueryString=sql, QueryExecutionContext=context, WorkGroup=workgroup)
    return Answer(aws, started["QueryExecutionId"])


@pytest.fixture
def table(aws):
    return lambda *arguments, **settings: Table(aws, *arguments, **settings)


def test_a_simple_serde_keeps_quotes_and_makes_null_of_what_does_not_fit(table):
    t = table(LAZY, {"id": "string", "n": "int", "x": "double", "ok": "boolean", "day": "date"}, COMMA, header=True)
    t.put(
        "a.csv", 'id,n,x,ok,day\n007,3,2.5,TRUE,2025-01-15\n"q",3.7,,yes,15/01/2025\n\\N,1\nlong,1,2,false,,more,yet\n'
    )
    assert t.ask("SELECT * FROM t").rows == [
        ("007", "3", "2.5", "true", "2025-01-15"),
        ('"q"', None, None, None, None),
        (None, "1", None, None, None),
        ("long", "1", "2.0", "false", None),
    ]


def test_a_csv_serde_takes_quotes_away_and_a_line_break_within_them_ends_the_record(table):
    t = table(OPEN, {"id": "string", "name": "string"}, QUOTED, header=True)
    t.put("a.csv", 'id,name\r\n1,"Cup, ""blue"""\r\n,"it\\"s"\r\n"2",\r\n3\r\n4,"two\r\nlines"\r\n')
    assert t.ask("SELECT * FROM t").rows == [
        ("1", 'Cup, "blue"'),
        ("", 'it"s'),
        ("2", ""),
        ("3", None),
        ("4", '"two'),
        ('lines"', None),
    ]


def test_a_csv_serde_refuses_an_empty_number_as_athena_does(table):
    t = table(OPEN, {"id": "string", "n": "bigint"}, QUOTED)
    t.put("a.csv", '1,"5"\n2,\n')
    assert t.ask("SELECT n FROM t WHERE id = '1'").rows == [("5",)]
    assert t.ask("SELECT sum(n) FROM t").reason == (
        "HIVE_BAD_DATA: Error parsing field value '' for field 1: For input string: \"\""
    )


def test_a_table_may_say_that_what_does_not_fit_is_null(table, aws):
    t = table(OPEN, {"id": "string", "n": "bigint"}, QUOTED)
    t.put("a.csv", '1,"5"\n2,\n')
    lenient = {"use.null.for.invalid.data": "true"}
    aws("glue").update_table(
        DatabaseName=t.database,
        TableInput={"Name": "t", "StorageDescriptor": t.storage, "PartitionKeys": [], "Parameters": lenient},
    )
    assert t.ask("SELECT * FROM t ORDER BY id").rows == [("1", "5"), ("2", None)]


@pytest.mark.parametrize("delimiter", [";", "\t", "|", "\x01"])
def test_any_delimiter_separates(table, delimiter):
    parameters = {"serialization.format": "1"} if delimiter == "\x01" else {"field.delim": delimiter}
    t = table(LAZY, {"id": "string", "name": "string"}, parameters)
    t.put("a.csv", f"1{delimiter}Cup, blue\n")
    assert t.ask("SELECT * FROM t").rows == [("1", "Cup, blue")]


def test_files_of_any_ending_encoding_and_line_end_are_read_together(table):
    t = table(LAZY, {"id": "string", "name": "string"}, COMMA, header=True)
    t.put("a.csv.gz", gzip.compress(b"id,name\n1,gzip\n"))
    t.put("no ending", "\ufeffid,name\r\n2,Zoë\r\n")
    t.put("latin.csv", "id,name\n3,Zoë\n".encode("latin-1"))
    t.put("mixed[1].csv", b"id,name\r\n4,a\n5,b\r6,c")
    t.put("clean[1]*{a}?.csv", "id,name\n9,signs\n")
    t.put("deeper/down.csv", "id,name\n7,deep\n")
    t.put("_hidden.csv", "id,name\n8,no\n")
    t.put("empty.csv", "")
    assert sorted(t.ask("SELECT * FROM t").rows) == [
        ("1", "gzip"), ("2", "Zoë"), ("3", "Zo\ufffd"), ("4", "a"), ("5", "b"), ("6", "c"), ("7", "deep"),
        ("9", "signs"),
    ]  # fmt: skip


def test_a_file_whose_name_promises_gzip_must_keep_it(table):
    t = table(LAZY, {"id": "string", "name": "string"}, COMMA)
    t.put("a.csv.gz", "1,plain\n")
    reason = t.ask("SELECT * FROM t").reason
    assert reason.startswith(f"HIVE_CURSOR_ERROR: Failed to read file at s3://{t.bucket}/t/a.csv.gz: ")


def test_json_names_are_matched_without_case_and_missing_ones_are_null(table):
    columns = {
        "id": "bigint", "maker": "struct<fullname:string,since:int>", "tags": "array<string>", "note": "string",
        "price": "decimal(10,2)", "gone": "double",
    }  # fmt: skip
    t = table(JSON, columns)
    first = {"ID": 1, "Maker": {"FullName": "Ann", "since": 1999}, "tags": ["a", "b"], "note": {"x": 1}, "price": 2.5}
    t.put("a.json", json.dumps(first) + "\n" + json.dumps({"ID": 2, "extra": True, "price": "x"}) + "\n")
    answer = t.ask("SELECT id, maker.fullname, tags, note, price, gone FROM t ORDER BY id")
    assert answer.rows == [
        ("1", "Ann", "[a, b]", '{"x":1}', "2.50", None),
        ("2", None, None, None, None, None),
    ]


def test_a_torn_json_line_fails_the_query_with_athenas_reason(table):
    t = table(JSON, {"id": "bigint"})
    t.put("a.json", '{"id": 1}\n{"id": 2')
    assert t.ask("SELECT * FROM t").reason.startswith("HIVE_CURSOR_ERROR: Row is not a valid JSON Object")


def test_parquet_columns_go_by_name_and_only_those_asked_for_are_scanned(table):
    def parquet(**columns) -> bytes:
        buffer = io.BytesIO()
        pq.write_table(pa.table(columns), buffer)
        return buffer.getvalue()

    t = table(PARQUET, {"id": "bigint", "name": "string", "late": "string"})
    t.put("a.parquet", parquet(name=["x"] * 1000, Id=list(range(1000))))
    t.put("b.parquet", parquet(id=[5000], late=["yes"]))
    answer = t.ask("SELECT * FROM t WHERE id >= 999 ORDER BY id")
    assert answer.rows == [("999", "x", None), ("5000", None, "yes")]
    assert 0 < t.ask("SELECT name FROM t").scanned_bytes < answer.scanned_bytes / 5


def test_a_file_that_is_no_parquet_fails_the_query(table):
    t = table(PARQUET, {"id": "bigint"})
    t.put("a.parquet", "id\n1 and some more text\n")
    assert t.ask("SELECT * FROM t").reason.startswith("HIVE_BAD_DATA: Not valid Parquet file")


@pytest.fixture
def days(table):
    """Three days of two sources; a file outside any partition and a folder that nobody registered."""
    t = table(LAZY, {"id": "string"}, COMMA, header=True, keys=("source", "date"))
    for folder in ("source=web/date=2025-01-14", "source=web/date=2025-01-15", "source=app/date=2025-01-15"):
        t.put(f"{folder}/a.csv", f"id\n{folder}\n")
        t.add_partition(folder)
    t.put("stray.csv", "id\nstray\n")
    t.put("source=web/date=2025-01-16/a.csv", "id\nlate\n")
    return t


SIZE = len("id\nsource=web/date=2025-01-14\n")


@pytest.mark.parametrize(
    ("where", "rows", "scanned_bytes"),
    [
        ("true", 3, 3 * SIZE),
        ("date = '2025-01-15'", 2, 2 * SIZE),
        ("t.date > '2025-01-14' AND source LIKE 'w%'", 1, SIZE),
        ("date IN ('2025-01-14') OR source = 'app'", 2, 2 * SIZE),
        ("CAST(date AS date) < DATE '2025-01-15'", 1, SIZE),
        ("date = '2025-01-16'", 0, 0),
        ("id = 'nothing'", 0, 3 * SIZE),
    ],
)
def test_only_the_partitions_asked_for_are_scanned(days, where, rows, scanned_bytes):
    answer = days.ask(f"SELECT id, source, date FROM t WHERE {where}")
    assert all(row[0] == f"source={row[1]}/date={row[2]}" for row in answer.rows)
    assert (len(answer.rows), answer.scanned_bytes) == (rows, scanned_bytes)


def test_a_partition_that_an_outer_join_lacks_is_no_condition_on_the_table(days):
    lacking = "SELECT x.d FROM (VALUES '2025-01-15', '2025-01-20') AS x(d) LEFT JOIN t ON t.date = x.d"
    assert days.ask(f"{lacking} WHERE t.date IS NULL").rows == [("2025-01-20",)]


def test_the_path_of_a_rows_file_is_told_when_asked_for(days):
    path = f"s3://{days.bucket}/t/source=app/date=2025-01-15/a.csv"
    assert days.ask("""SELECT "$path" FROM t WHERE source = 'app'""").rows == [(path,)]
    assert days.ask("""SELECT *, "$path" AS place FROM t WHERE source = 'app'""").lines[0] == (
        "id",
        "source",
        "date",
        "place",
    )
    assert days.ask("SELECT * FROM t").lines[0] == ("id", "source", "date")


def test_a_table_without_files_has_columns_and_no_rows(table):
    t = table(JSON, {"id": "bigint", "maker": "struct<name:string>"}, keys=("date",))
    answer = t.ask("SELECT * FROM t")
    assert (answer.lines, answer.scanned_bytes) == ([("id", "maker", "date")], 0)


def test_a_result_is_not_reused_when_a_file_or_partition_was_added(days, aws):
    allowed = {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 60}}

    def count() -> tuple:
        started = aws("athena").start_query_execution(
            QueryString="SELECT count(*) FROM t",
            QueryExecutionContext={"Database": days.database},
            WorkGroup=days.database,
            ResultReuseConfiguration=allowed,
        )
        answer = Answer(aws, started["QueryExecutionId"])
        return answer.rows[0][0], answer.is_reused

    assert (count(), count()) == (("3", False), ("3", True))
    days.put("source=web/date=2025-01-15/b.csv", "id\nmore\n")
    assert count() == ("4", False)
    days.add_partition("source=web/date=2025-01-16")
    assert count() == ("5", False)


@pytest.mark.parametrize(
    ("classifier", "name", "content"),
    [
        (None, "a.csv", "sku;Unit Price;n\n007;2.50;1\nX;;2\n"),
        ("csv", "a.csv.gz", gzip.compress(b'sku,Unit Price,n\n"007","2.50",1\n"X",3,2\n', mtime=0)),
        (None, "a.json", '{"sku": "007", "Unit Price": 2.5, "n": 1}\n{"sku": "X", "n": 2}\n'),
    ],
)
def test_what_a_crawler_leaves_can_be_asked(aws, eventually, classifier, name, content):
    settings = {}
    if classifier:
        settings = {"Classifiers": [(called := f"csv-{uuid.uuid4().hex[:8]}")]}
        csv = {"Delimiter": ",", "QuoteSymbol": '"', "ContainsHeader": "PRESENT", "Serde": "OpenCSVSerDe"}
        aws("glue").create_classifier(CsvClassifier={"Name": called, **csv})
    place = Place(aws, eventually, **settings)
    place.put(f"source=shop/date=2025-01-15/{name}", content)
    assert place.crawl()["Status"] == "SUCCEEDED"
    location = {"OutputLocation": f"s3://{place.bucket}/results/"}
    aws("athena").create_work_group(Name=place.database, Configuration={"ResultConfiguration": location})
    sql = 'SELECT sku, "unit price", n, source, date FROM orders ORDER BY n LIMIT 1'
    assert asked(aws, place.database, place.database, sql).rows == [("007", "2.5", "1", "shop", "2025-01-15")]
