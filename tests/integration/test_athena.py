"""Local Athena answers as AWS's does, on Iceberg tables that pyiceberg wrote."""

import secrets
import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from time import sleep

import pyarrow as pa
import pytest
from pyiceberg.catalog import load_catalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
)

BUCKET = "athena-test"
SALES = Schema(
    NestedField(1, "line_id", StringType()),
    NestedField(2, "quantity", IntegerType()),
    NestedField(3, "net_amount", DecimalType(18, 4)),
    NestedField(4, "ordered_at", TimestampType()),
    NestedField(5, "order_day", DateType()),
    NestedField(6, "is_return", BooleanType()),
    NestedField(7, "weight", DoubleType()),
    NestedField(8, "customer_id", LongType()),
)
DAYS = (date(2010, 12, 1), date(2010, 12, 2), date(2010, 12, 3))
LINE = {
    "line_id": "536365-1",
    "quantity": 6,
    "net_amount": Decimal("15.3000"),
    "ordered_at": datetime(2010, 12, 1, 8, 26),
    "order_day": date(2010, 12, 1),
    "is_return": False,
    "weight": 0.5,
    "customer_id": 17850,
}


def line(**changes) -> dict:
    return LINE | changes


def as_arrow(table, rows):
    return pa.Table.from_pylist(rows, schema=table.schema().as_arrow())


@pytest.fixture(scope="module")
def catalog(emulator, aws):
    aws("s3").create_bucket(Bucket=BUCKET)
    aws("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    location = {"OutputLocation": f"s3://{BUCKET}/results/"}
    aws("athena").create_work_group(Name="analysts", Configuration={"ResultConfiguration": location})
    endpoints = {"glue.endpoint": emulator.url, "s3.endpoint": emulator.url}
    return load_catalog("glue", type="glue", **endpoints)


@pytest.fixture
def database(catalog):
    name = f"shop_{uuid.uuid4().hex[:8]}"
    catalog.create_namespace(name, {"location": f"s3://{BUCKET}/{name}"})
    return name


@pytest.fixture
def sales(catalog, database):
    """An empty Iceberg table `sales`, a partition an `order_day`."""
    by_day = PartitionSpec(PartitionField(source_id=5, field_id=1000, transform=IdentityTransform(), name="order_day"))
    return catalog.create_table((database, "sales"), SALES, partition_spec=by_day)


@pytest.fixture
def ask(aws, database):
    """Runs a statement to its end; returns an Answer."""

    def run(sql, workgroup="analysts", **request):
        started = aws("athena").start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": database},
            WorkGroup=workgroup,
            **request,
        )
        return Answer(aws, started["QueryExecutionId"])

    return run


class Answer:
    def __init__(self, aws, query_id):
        self._aws = aws
        self.query_id = query_id
        while (execution := self._describe())["Status"]["State"] in ("QUEUED", "RUNNING"):
            sleep(0.01)
        self.state = execution["Status"]["State"]
        self.reason = execution["Status"].get("StateChangeReason", "")
        self.scanned_bytes = execution["Statistics"]["DataScannedInBytes"]
        self.is_reused = execution["Statistics"].get("ResultReuseInformation", {}).get("ReusedPreviousResult", False)
        self.location = execution["ResultConfiguration"]["OutputLocation"]

    def _describe(self):
        return self._aws("athena").get_query_execution(QueryExecutionId=self.query_id)["QueryExecution"]

    def _pages(self):
        assert self.state == "SUCCEEDED", self.reason
        paginator = self._aws("athena").get_paginator("get_query_results")
        return list(paginator.paginate(QueryExecutionId=self.query_id))

    @property
    def types(self):
        columns = self._pages()[0]["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        return {column["Name"]: (column["Type"], column["Precision"], column["Scale"]) for column in columns}

    @property
    def lines(self):
        """All rows, the header of a SELECT included."""
        rows = [row["Data"] for page in self._pages() for row in page["ResultSet"]["Rows"]]
        return [tuple(cell.get("VarCharValue") for cell in row) for row in rows]

    @property
    def rows(self):
        return self.lines[1:]

    @property
    def file(self):
        bucket, _, key = self.location.removeprefix("s3://").partition("/")
        return self._aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()


def test_values_and_types_are_written_as_athena_writes_them(sales, ask):
    sales.append(as_arrow(sales, [line(net_amount=Decimal("150115.26"), customer_id=None)]))
    answer = ask("SELECT * FROM sales")
    assert answer.rows == [
        ("536365-1", "6", "150115.2600", "2010-12-01 08:26:00.000", "2010-12-01", "false", "0.5", None)
    ]
    assert answer.types == {
        "line_id": ("varchar", 2147483647, 0),
        "quantity": ("integer", 10, 0),
        "net_amount": ("decimal", 18, 4),
        "ordered_at": ("timestamp", 3, 0),
        "order_day": ("date", 0, 0),
        "is_return": ("boolean", 0, 0),
        "weight": ("double", 17, 0),
        "customer_id": ("bigint", 19, 0),
    }


def test_the_result_file_quotes_everything_but_null(sales, ask):
    sales.append(as_arrow(sales, [line(line_id='a "b", c', customer_id=None)]))
    answer = ask("SELECT line_id, customer_id, quantity FROM sales")
    assert answer.location == f"s3://{BUCKET}/results/{answer.query_id}.csv"
    assert answer.file == '"line_id","customer_id","quantity"\n"a ""b"", c",,"6"\n'


@pytest.mark.parametrize("value", ["", "a\nb", 'say "x"', ",", '""', None])
def test_a_result_comes_back_as_it_was(ask, value):
    literal = "CAST(NULL AS varchar)" if value is None else "'" + value + "'"
    assert ask(f"SELECT 1 AS one, {literal} AS it, {literal} AS again").rows == [("1", value, value)]


def test_a_long_result_comes_in_pages(ask):
    answer = ask("SELECT n FROM UNNEST(sequence(1, 2500)) AS t(n)")
    assert [row for (row,) in answer.rows] == [str(n) for n in range(1, 2501)]


@pytest.mark.parametrize(
    ("expression", "shown", "kind"),
    [
        ("sum(net_amount)", "15.3000", ("decimal", 38, 4)),
        ("avg(net_amount)", "15.3000", ("decimal", 18, 4)),
        ("sum(net_amount) / count(*)", "15.3000", ("decimal", 38, 4)),
        ("round(sum(net_amount) / 7, 2)", "2.1900", ("decimal", 38, 4)),
        ("max(quantity) / 4", "1", ("integer", 10, 0)),
        ("-7 / 2", "-3", ("integer", 10, 0)),
        ("sum(quantity)", "6", ("bigint", 19, 0)),
        ("100.0 * sum(weight) / 3", "16.666666666666668", ("double", 17, 0)),
        ("CAST(12345678.9 AS double)", "1.23456789E7", ("double", 17, 0)),
        ("array_agg(quantity)", "[6]", ("array", 0, 0)),
        ("date_trunc('month', max(order_day))", "2010-12-01", ("date", 0, 0)),
        ("date_trunc('day', max(ordered_at))", "2010-12-01 00:00:00.000", ("timestamp", 3, 0)),
    ],
)
def test_values_are_computed_as_trino_does(sales, ask, expression, shown, kind):
    sales.append(as_arrow(sales, [line()]))
    answer = ask(f"SELECT {expression} FROM sales")
    assert (answer.rows, answer.types) == ([(shown,)], {"_col0": kind})


def test_a_query_sees_main_and_no_branch(sales, ask):
    sales.append(as_arrow(sales, [line()]))
    sales.manage_snapshots().create_branch(sales.current_snapshot().snapshot_id, "run-1").commit()
    sales.append(as_arrow(sales, [line(line_id="unpublished")]), branch="run-1")
    assert ask("SELECT line_id FROM sales").rows == [("536365-1",)]
    assert "does not exist: run-1" in ask("SELECT * FROM sales FOR VERSION AS OF 'run-1'").reason


def test_earlier_versions_are_read_by_snapshot_and_by_time(sales, ask):
    sales.append(as_arrow(sales, [line()]))
    first = sales.current_snapshot()
    sleep(0.01)
    sales.append(as_arrow(sales, [line(line_id="2")]))
    between = datetime.fromtimestamp((first.timestamp_ms + 5) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    count = "SELECT count(*) FROM sales"
    assert ask(count).rows == [("2",)]
    assert ask(f"{count} FOR VERSION AS OF {first.snapshot_id}").rows == [("1",)]
    assert ask(f"{count} FOR TIMESTAMP AS OF TIMESTAMP '{between} UTC'").rows == [("1",)]
    snapshots = ask('SELECT snapshot_id FROM "sales$snapshots" ORDER BY committed_at')
    assert snapshots.rows[0] == (str(first.snapshot_id),)


def test_rows_of_an_older_schema_have_null_in_a_new_column(sales, ask):
    sales.append(as_arrow(sales, [line()]))
    with sales.update_schema() as update:
        update.add_column("channel", StringType())
        update.update_column("quantity", LongType())
    sales.append(as_arrow(sales, [line(line_id="2", quantity=7_000_000_000, channel="web")]))
    answer = ask("SELECT line_id, quantity, channel FROM sales ORDER BY line_id")
    assert answer.rows == [("2", "7000000000", "web"), ("536365-1", "6", None)]


def test_only_the_days_asked_for_and_the_columns_named_are_scanned(sales, ask):
    sales.append(as_arrow(sales, [line(order_day=day, ordered_at=datetime.combine(day, time(8, 26))) for day in DAYS]))
    everything = ask("SELECT * FROM sales").scanned_bytes
    one_column = ask("SELECT line_id FROM sales").scanned_bytes
    one_day = ask("SELECT * FROM sales WHERE ordered_at >= TIMESTAMP '2010-12-03 00:00:00'").scanned_bytes
    joined = ask("SELECT a.* FROM sales a JOIN sales b USING (line_id) WHERE a.ordered_at < DATE '2010-12-02'")
    assert one_column < everything / 4
    assert one_day == everything / 3
    assert ask("SELECT count(*) FROM sales").scanned_bytes == 0
    assert joined.rows and joined.scanned_bytes == everything + one_day


def test_a_query_over_the_workgroups_limit_is_cancelled(aws, sales, ask):
    sales.append(as_arrow(sales, [line(line_id=secrets.token_hex(1000)) for _ in range(15_000)]))
    settings = {
        "ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/"},
        "BytesScannedCutoffPerQuery": 10_000_000,
    }
    aws("athena").create_work_group(Name="frugal", Configuration=settings)
    refused = ask("SELECT * FROM sales", workgroup="frugal")
    assert (refused.state, refused.reason) == ("CANCELLED", "Bytes scanned limit was exceeded")
    assert ask("SELECT quantity FROM sales LIMIT 1", workgroup="frugal").rows == [("6",)]


def test_a_view_is_made_replaced_read_through_another_and_dropped(catalog, sales, ask, aws, database):
    sales.append(as_arrow(sales, [line(), line(line_id="2", is_return=True)]))
    assert ask("CREATE VIEW kept AS SELECT line_id, net_amount FROM sales WHERE NOT is_return").state == "SUCCEEDED"
    assert "TABLE_ALREADY_EXISTS" in ask("CREATE VIEW kept AS SELECT 1 AS one").reason
    ask("CREATE OR REPLACE VIEW kept AS SELECT line_id, net_amount * 2 AS twice FROM sales WHERE NOT is_return")
    ask("CREATE VIEW total AS SELECT sum(twice) AS twice FROM kept")
    assert ask(f"SELECT t.twice FROM {database}.total t").lines == [("twice",), ("30.6000",)]
    columns = aws("glue").get_table(DatabaseName=database, Name="kept")["Table"]["StorageDescriptor"]["Columns"]
    assert columns == [{"Name": "line_id", "Type": "string"}, {"Name": "twice", "Type": "decimal(28,4)"}]
    assert ask("DROP VIEW kept").state == "SUCCEEDED"
    assert "kept" in ask("SELECT * FROM total").reason


def test_a_view_may_not_hold_an_instant_with_a_time_zone(ask):
    """Athena keeps views in a catalog that has no such type."""
    refused = ask("CREATE VIEW instants AS SELECT TIMESTAMP '2025-01-15 00:00:00 UTC' AS at")
    assert refused.reason == "NOT_SUPPORTED: Unsupported Hive type: timestamp(3) with time zone"


def test_the_catalog_answers_show_and_describe(sales, ask, database):
    ask("CREATE VIEW kept AS SELECT line_id FROM sales")
    assert ask("-- which\nSHOW TABLES;").lines == [("kept",), ("sales",)]
    assert ask(f"SHOW TABLES IN {database} 's*'").lines == [("sales",)]
    assert (database,) in ask("SHOW DATABASES").lines
    assert ask("DESCRIBE sales").lines[:2] == [("line_id", "string", ""), ("quantity", "int", "")]
    names = "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = ?"
    assert ask(names, ExecutionParameters=[f"'{database}'"]).rows == [
        ("kept", "VIEW"),
        ("sales", "BASE TABLE"),
    ]


def test_parameters_stand_for_question_marks_in_order(sales, ask):
    sales.append(as_arrow(sales, [line(), line(line_id="it's ?", quantity=1)]))
    query = "SELECT line_id, '?' AS mark FROM sales WHERE line_id = ? AND quantity < ? LIMIT ?"
    assert ask(query, ExecutionParameters=["'it''s ?'", "2", "1"]).rows == [("it's ?", "?")]
    assert "expected 3 but found 1" in ask(query, ExecutionParameters=["1"]).reason


def test_a_raw_csv_table_is_read_with_its_partitions(aws, ask, database):
    for day in ("2025-01-14", "2025-01-15"):
        body = f"order_id,quantity\nA-{day},2\n".encode()
        aws("s3").put_object(Bucket=BUCKET, Key=f"{database}/raw/date={day}/orders.csv", Body=body)
    storage = {
        "Columns": [{"Name": "order_id", "Type": "string"}, {"Name": "quantity", "Type": "bigint"}],
        "Location": f"s3://{BUCKET}/{database}/raw/",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde"},
    }
    table = {
        "Name": "raw_orders",
        "StorageDescriptor": storage,
        "PartitionKeys": [{"Name": "date", "Type": "string"}],
        "Parameters": {"classification": "csv", "skip.header.line.count": "1"},
    }
    aws("glue").create_table(DatabaseName=database, TableInput=table)
    folder = {**storage, "Location": f"s3://{BUCKET}/{database}/raw/date=2025-01-15/"}
    partition = {"Values": ["2025-01-15"], "StorageDescriptor": folder}
    aws("glue").create_partition(DatabaseName=database, TableName="raw_orders", PartitionInput=partition)
    answer = ask("SELECT order_id, quantity + 1 AS more FROM raw_orders WHERE date = '2025-01-15'")
    assert answer.rows == [("A-2025-01-15", "3")]
    assert answer.scanned_bytes > 0
    assert ask("SHOW PARTITIONS raw_orders").lines == [("date=2025-01-15",)]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (
            "SELECT * FROM nowhere",
            "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{db}.nowhere' does not exist",
        ),
        ("SELECT * FROM other.t", "SCHEMA_NOT_FOUND: line 1:15: Schema 'other' does not exist"),
        ("SELECT colour FROM sales", "COLUMN_NOT_FOUND: line 1:8: Column 'colour' cannot be resolved"),
        ("SELECT s.colour FROM sales s", "COLUMN_NOT_FOUND: line 1:10: Column 's.colour' cannot be resolved"),
        ("SELECT FROM WHERE", "SYNTAX_ERROR: line 1:"),
        ("SELECT nonsense(1)", "FUNCTION_NOT_FOUND: Function 'nonsense' not registered"),
        ("SELECT CAST('a' AS integer)", "INVALID_CAST_ARGUMENT: "),
        ("SELECT 1; SELECT 2", "SYNTAX_ERROR: Only one sql statement is allowed"),
        ("INSERT INTO sales SELECT * FROM sales", "NOT_SUPPORTED: Local Athena is read only"),
        ("CREATE TABLE copy AS SELECT * FROM sales", "NOT_SUPPORTED: Local Athena is read only"),
        ("UPDATE sales SET quantity = 1", "NOT_SUPPORTED: Local Athena is read only"),
        ("DELETE FROM sales", "NOT_SUPPORTED: Local Athena is read only"),
        ("DROP TABLE sales", "NOT_SUPPORTED: Local Athena is read only"),
        ("OPTIMIZE sales REWRITE DATA USING BIN_PACK", "NOT_SUPPORTED: Local Athena is read only"),
    ],
)
def test_a_failing_statement_says_why(sales, ask, database, sql, reason):
    answer = ask(sql)
    assert answer.state == "FAILED"
    assert answer.reason.startswith(reason.format(db=database))


def test_a_result_is_reused_until_a_table_that_it_read_changes(sales, ask):
    sales.append(as_arrow(sales, [line()]))
    ask("CREATE VIEW quantities AS SELECT quantity FROM sales")
    allowed = {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 60}}

    def total():
        answer = ask("SELECT sum(quantity) FROM quantities", ResultReuseConfiguration=allowed)
        return answer.rows, answer.is_reused

    assert total() == ([("6",)], False)
    assert total() == ([("6",)], True)
    sales.append(as_arrow(sales, [line(line_id="2")]))
    assert total() == ([("12",)], False)


def test_finished_queries_can_be_saved_with_the_emulators_state(emulator, sales, ask):
    sales.append(as_arrow(sales, [line()]))
    ask("SELECT * FROM sales")
    emulator.save()
    assert (emulator.state_dir / "services" / "athena.json").exists()


def test_a_hook_that_no_longer_fits_is_told(emulator, monkeypatch):
    from ministack.services import athena

    from local.gaps import athena as gap
    from local.gaps import hooks

    monkeypatch.setattr(athena, "_start_query_execution", lambda request: None)
    with pytest.raises(hooks.HookMismatch, match="_start_query_execution"):
        gap.install()
