"""The customers' job: flags, keys, and the columns that the table declares."""

from pyspark.sql import functions as F

from jobs.customer_enrichment import judge_customers
from shoplake.contracts import load_contract
from shoplake.personal_data import HashKey
from shoplake.spark.conform import conform
from shoplake.spark.personal import protect
from shoplake.spark.winners import QUARANTINED, decide
from shoplake.tables import load_tables
from tests.unit.spark.frames import only, staged

CONTRACT, TABLE = load_contract("customers"), load_tables()["processed.customers"]
KEY = HashKey("1", bytes(32))
ANN = {"customer_id": "C1", "name": "Ann Smith", "email": "ann@example.com", "phone": "07700 900123"}


def judged(spark, *rows: dict, **where):
    conformed = conform(staged(spark, *rows, contract=CONTRACT, good=ANN, **where), CONTRACT, CONTRACT.source("shop"))
    protected = protect(conformed.withColumn("_is_keyed_by_content", F.lit(False)), CONTRACT, KEY)
    return judge_customers(protected, CONTRACT, "Europe/London").localCheckpoint()


def test_a_customers_number_loses_what_a_spreadsheet_gave_it(spark):
    given = ["17850.0", "017850", "C1.0"]
    rows = judged(spark, *({"customer_id": text} for text in given)).orderBy("_source_line").collect()
    assert [row["customer_id"] for row in rows] == ["17850", "017850", "C1.0"]


def test_a_malformed_address_or_number_costs_the_address_and_not_the_customer(spark):
    bad, empty = (
        judged(spark, {"email": "ann at example", "phone": "ask me"}, {"email": " ", "phone": None})
        .orderBy("_source_line")
        .collect()
    )
    assert (bad["_outcome"], bad["email"], bad["phone"]) == (None, None, None)
    assert (bad["is_email_malformed"], bad["is_phone_malformed"]) == (True, True)
    assert (empty["is_email_malformed"], empty["is_phone_malformed"]) == (False, False)


BROKEN = [
    ({"customer_id": ""}, ("customer_id", "missing")),
    ({"marketing_consent": "perhaps"}, ("marketing_consent", "not_a_boolean")),
    ({"signed_up_at": "2099-01-01"}, ("signed_up_at", "after_arrival")),
    ({"signed_up_at": "soon"}, ("signed_up_at", "not_a_time")),
]


def test_a_customer_that_breaks_a_rule_goes_to_quarantine(spark):
    rows = judged(spark, *(cells for cells, _ in BROKEN)).orderBy("_source_line").collect()
    found = [(row["_outcome"], [(p["column"], p["rule"]) for p in row["_problems"]]) for row in rows]
    assert found == [(QUARANTINED, [broken]) for _, broken in BROKEN]


def test_a_sign_up_has_its_day_where_the_lake_reports(spark):
    row = only(judged(spark, {"signed_up_at": "2010-07-01T23:30:00Z"}))
    assert row["signed_up_day"].isoformat() == "2010-07-02"


def test_what_the_job_writes_is_what_the_table_declares_and_nothing_personal(spark):
    stored = spark.createDataFrame([], ", ".join(f"{c.name} {c.type}" for c in TABLE.columns))
    written = decide(judged(spark, {}), stored, ["customer_id"], "r1").select(*TABLE.column_names)
    assert dict(written.dtypes) == {column.name: column.type for column in TABLE.columns}
    row = only(written)
    assert row["name"] == "A*** S***"
    assert not [value for value in row.values() if value in (*ANN.values(), "+447700900123") and value != "C1"]
