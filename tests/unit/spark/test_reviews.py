"""The reviews' job: plain text, ids that follow from the content, and the same table whatever comes first."""

import os
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from jobs.customer_enrichment import judge_reviews
from shoplake.contracts import load_contract
from shoplake.spark.conform import conform
from shoplake.spark.plain_text import plain_text
from shoplake.spark.winners import QUARANTINED, decide
from shoplake.tables import load_tables
from tests.oracles import people
from tests.unit.spark.frames import ARRIVED, only, staged
from tests.unit.staging_contracts import stage_json

CONTRACT, TABLE = load_contract("reviews"), load_tables()["processed.reviews"]
GOOD = {"product_id": "P1", "rating": "5", "text": "Good"}
CLOTHING = Path(os.environ.get("SHOPLAKE_REAL_DATA", ""), "reviews", "womens_clothing_2000.csv")


def conformed(spark, *rows: dict, source: str = "plain", key: str | None = None, good: dict = GOOD, **where):
    found = CONTRACT.source(source)
    frame = staged(spark, *rows, contract=CONTRACT, good=good, **where)
    if key is not None:
        frame = frame.withColumn("_source_key", F.lit(key))
    return conform(frame, CONTRACT, found).withColumn("_is_keyed_by_content", F.lit(found.key == "lines"))


def judged(spark, *rows: dict, **where):
    return judge_reviews(conformed(spark, *rows, **where), CONTRACT, "Europe/London").localCheckpoint()


TEXTS = [
    ("<p>It&#39;s <b>good</b> &amp; cheap</p>", "It's  good  & cheap"),
    ("I <3 it, 1 < 2 > 0", "I <3 it, 1 < 2 > 0"),
    ("<script>alert('x')</script>", "alert('x')"),
    ("&lt;b&gt; &quot;x&quot; &apos;y&apos; &eacute; &nbsp;", "<b> \"x\" 'y' é"),
    ("&amp;amp; stays once", "&amp; stays once"),
    ("&unknown; & Co", "&unknown; & Co"),
    ("&#x1F600; &#128512; \U0001f600 \u200dzwj", "\U0001f600 \U0001f600 \U0001f600 \u200dzwj"),
    ("&#1114112;&#x110000;&#99999999999999;beyond Unicode", "beyond Unicode"),
    ("&#0;&#7;bell\x07 and \x1b[31mred", "bell and [31mred"),
    ("one\r\ntwo\rthree\tfour\n", "one\ntwo\nthree\tfour"),
    ("מצוין \u200f(מאוד)", "מצוין \u200f(מאוד)"),
    ("<br/> \u00a0 \n", None),
    (None, None),
]


def test_what_people_write_becomes_plain_text(spark):
    frame = spark.createDataFrame([(n, text) for n, (text, _) in enumerate(TEXTS)], "n int, text string")
    found = frame.select("n", plain_text(F.col("text")).alias("text")).orderBy("n").collect()
    assert [row["text"] for row in found] == [plain for _, plain in TEXTS]


def test_a_text_of_megabytes_is_cleaned_in_no_time(spark):
    pieces = ["x", "<a", "&", " ", "&#0", "\U0001f600", "<!--"]
    frame = spark.createDataFrame([("a" + piece * (2_000_000 // len(piece)) + "b",) for piece in pieces], "text string")
    lengths = frame.select(F.length(plain_text(F.col("text"))).alias("length")).collect()
    assert min(row["length"] for row in lengths) > 100_000


BROKEN = [
    ({"rating": "11"}, ("rating", "above_maximum")),
    ({"rating": "0"}, ("rating", "below_minimum")),
    ({"rating": "4.5"}, ("rating", "not_an_integer")),
    ({"rating": "five"}, ("rating", "not_an_integer")),
    ({"rating": ""}, ("rating", "missing")),
    ({"product_id": " "}, ("product_id", "missing")),
    ({"reviewed_at": "2099-01-01"}, ("reviewed_at", "after_arrival")),
    ({"helpful_votes": "-1"}, ("helpful_votes", "below_minimum")),
]


def test_a_review_that_breaks_a_rule_goes_to_quarantine(spark):
    rows = judged(spark, *(cells for cells, _ in BROKEN)).orderBy("_source_line").collect()
    found = [(row["_outcome"], [(p["column"], p["rule"]) for p in row["_problems"]]) for row in rows]
    assert found == [(QUARANTINED, [broken]) for _, broken in BROKEN]


def test_a_source_with_ids_must_give_one(spark):
    row = only(judged(spark, {"review_id": ""}, source="shop"))
    assert [(p["column"], p["rule"]) for p in row["_problems"]] == [("review_id", "missing")]


@pytest.mark.parametrize(
    ("key", "day"),
    [
        ("raw/reviews/date=2010-06-30/a.csv", date(2010, 6, 30)),
        ("raw/reviews/source=plain/date=2010-06-30/a.csv", date(2010, 6, 30)),
        ("raw/reviews/date=2010-13-45/a.csv", ARRIVED.date()),
        ("raw/reviews/a.csv", ARRIVED.date()),
    ],
)
def test_a_review_without_a_date_takes_the_day_of_its_file(spark, key, day):
    row = only(judged(spark, {}, key=key))
    assert (row["reviewed_day"], row["is_day_of_file"], row["_problems"]) == (day, True, [])


@pytest.mark.parametrize(
    "words",
    [
        {"time_zone": "Europe/London"},
        {"time_zone": "Pacific/Auckland"},
        {"timestamp_formats": ("epoch_s",)},
        {"timestamp_formats": ("M/d/yyyy",), "time_zone": "America/New_York"},
    ],
)
def test_the_day_that_a_file_lends_is_that_day_whatever_times_its_source_writes(spark, words):
    source = replace(CONTRACT.source("plain"), **words)
    frame = staged(spark, {}, contract=CONTRACT, good=GOOD)
    frame = frame.withColumn("_source_key", F.lit("raw/reviews/date=2010-06-01/a.csv"))
    typed = conform(frame, CONTRACT, source).withColumn("_is_keyed_by_content", F.lit(True))
    row = only(judge_reviews(typed, CONTRACT, "Europe/London"))
    assert (row["reviewed_day"], row["_problems"]) == (date(2010, 6, 1), [])
    assert row["reviewed_at"].astimezone(UTC) == datetime(2010, 6, 1, tzinfo=UTC)


def test_a_review_with_a_date_keeps_it(spark):
    row = only(judged(spark, {"reviewed_at": "2010-06-30T23:30:00Z"}, key="raw/reviews/date=2010-01-01/a.csv"))
    assert (row["reviewed_day"], row["is_day_of_file"]) == (date(2010, 7, 1), False)


def test_identical_reviews_of_a_file_are_reviews_of_their_own_and_have_the_same_ids_in_another_file(spark):
    def ids(**where):
        return [row["review_id"] for row in judged(spark, {}, {}, {"title": "!"}, **where).collect()]

    first, again = ids(key="raw/reviews/date=2010-01-01/a.csv"), ids(key="raw/reviews/date=2010-01-02/b.csv")
    assert len(set(first)) == 3
    assert set(first) == set(again)


def test_what_the_job_writes_is_every_column_that_the_table_declares(spark):
    written = decide(judged(spark, {}), nothing(spark), ["review_id"], "r1").select(*TABLE.column_names)
    assert dict(written.dtypes) == {column.name: column.type for column in TABLE.columns}


def nothing(spark):
    return spark.createDataFrame([], ", ".join(f"{c.name} {c.type}" for c in TABLE.columns))


# A file is its number, which is its day too, and what its reviews say. Its reviews have no ids and no dates.
FILES = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), min_size=1, max_size=3)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES, data=st.data())
def test_any_grouping_of_the_files_into_runs_in_any_order_gives_the_same_reviews(spark, files, data):
    numbered = list(enumerate(files, start=1))
    order = data.draw(st.permutations(numbered))
    cut = data.draw(st.integers(0, len(order)))
    most = {text: max(Counter(texts)[text] for texts in files) for text in "abc"}
    newest = {  # of each text and occurrence: the last file that has so many
        (text, n): max(day for day, texts in numbered if Counter(texts)[text] >= n)
        for text, count in most.items()
        for n in range(1, count + 1)
    }

    stored = nothing(spark)
    for group in filter(None, (order[:cut], order[cut:])):
        frames = [review_file(spark, number, texts) for number, texts in group]
        batch = frames[0]
        for frame in frames[1:]:
            batch = batch.unionByName(frame)
        stored = apply(spark, stored, judge_reviews(batch, CONTRACT, "Europe/London"))

    found = Counter((row["text"], row["reviewed_day"].day) for row in stored.collect())
    assert found == Counter((text, day) for (text, _), day in newest.items())


def test_a_review_that_comes_again_keeps_the_day_of_its_last_file_though_one_between_comes_late(spark):
    stored = nothing(spark)
    for arrived, day in ((1, 1), (3, 1), (2, 2)):
        stored = apply(spark, stored, judge_reviews(review_file(spark, arrived, ["a"], day), CONTRACT, "Europe/London"))
    assert [row["reviewed_day"].day for row in stored.collect()] == [1]


def review_file(spark, number: int, texts: list[str], day: int | None = None):
    rows = [{"text": text} for text in texts]
    arrived = datetime(2011, 1, number, tzinfo=ARRIVED.tzinfo)
    key = None if day is None else f"raw/reviews/date=2011-01-{day:02}/{number}.csv"
    return conformed(spark, *rows, file=number, arrived=arrived, key=key)


def apply(spark, stored, batch):
    """The table after a run, as MERGE would leave it."""
    decided = decide(batch, stored, ["review_id"], "r1")
    changed = decided.where("_action IS NOT NULL").select(*TABLE.column_names)
    kept = stored.join(changed.select("review_id"), on="review_id", how="left_anti").select(*TABLE.column_names)
    return spark.createDataFrame(kept.unionByName(changed).collect(), nothing(spark).schema)


@pytest.mark.skipif(not CLOTHING.is_file(), reason="SHOPLAKE_REAL_DATA doesn't name the reviews of clothes")
def test_an_independent_reading_finds_the_same_reviews_of_clothes(spark):
    names = tuple(column.name for column in CONTRACT.columns)
    found = stage_json(CLOTHING.read_bytes(), CONTRACT, CLOTHING.name, columns=names)
    assert (found.staging.source, found.staging.rows_staged, found.staging.rows_quarantined) == ("clothing", 2000, 0)
    present = [name for name in names if name in ("product_id", "rating", "title", "text", "helpful_votes")]
    rows = [dict(zip(present, cells, strict=True)) for cells in found.cells]
    key = "raw/reviews/source=clothing/date=2010-12-01/c.csv"
    reviews = judged(spark, *rows, source="clothing", key=key, good={})

    columns = ("product_id", "customer_id", "rating", "title", "text", "text_length", "helpful_votes", "reviewed_day")
    shown = [tuple(row[name] for name in columns) for row in reviews.orderBy("_source_line").collect()]
    expected = people.clothing_reviews(CLOTHING, date(2010, 12, 1))
    assert shown == [tuple(getattr(review, name) for name in columns) for review in expected]
    assert reviews.select("review_id").distinct().count() == 2000
