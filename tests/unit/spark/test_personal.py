"""Personal data: what is left of a value, and that nothing gives the key or the value away."""

import hashlib
import hmac

import pytest
from pyspark.sql import functions as F

from shoplake.contracts import load_contract
from shoplake.personal_data import HashKey
from shoplake.spark.conform import conform
from shoplake.spark.personal import masked, protect, without_emails
from shoplake.spark.rejects import sample_problems
from tests.unit.spark.frames import staged

CUSTOMERS = load_contract("customers")
KEY = HashKey("7", bytes(range(32)))
C1 = {"customer_id": "C1"}


def customers(spark, *rows: dict, **where):
    """Conformed customers of a shop in Britain, with all that is personal still there."""
    return conform(staged(spark, *rows, contract=CUSTOMERS, good=C1, **where), CUSTOMERS, CUSTOMERS.source("shop"))


def test_a_hash_is_the_hmac_that_pythons_own_library_makes(spark):
    texts = ["ann@example.com", "+447700900123", "zoë@exämple.com", "", None]
    frame = spark.createDataFrame([(text, text, "Ann") for text in texts], "email string, phone string, name string")
    rows = protect(frame, CUSTOMERS, KEY).collect()
    expected = [
        text if text is None else hmac.new(KEY.key, text.encode(), hashlib.sha256).hexdigest() for text in texts
    ]
    assert [row["email"] for row in rows] == [row["phone"] for row in rows] == expected
    assert {row["_key_version"] for row in rows} == {"7"}


def test_no_plan_of_spark_shows_the_key(spark):
    plan = protect(customers(spark, {"email": "ann@example.com"}), CUSTOMERS, KEY)._jdf.queryExecution().toString()
    pad = bytes(byte ^ 0x36 for byte in KEY.key).hex()
    assert "_inner_pad" in plan
    assert KEY.key.hex() not in plan.lower() and pad not in plan.lower()
    assert KEY.key.hex() not in repr(KEY) and repr(KEY.key) not in repr(KEY)


@pytest.fixture(scope="module")
def shown(spark):
    """What a mask shows of some texts."""
    texts = [text for text, _ in MASKS]
    frame = spark.createDataFrame(list(enumerate(texts)), "n int, text string")
    found = frame.select("n", masked(F.col("text")).alias("shown")).orderBy("n").collect()
    return dict(zip(texts, (row["shown"] for row in found), strict=True))


MASKS = [
    ("mary@example.com", "m***@example.com"),
    ("@example.com", "@***"),
    ("mary@home@example.com", "m***"),
    ("mary@\nexample.com", "m***\ne***"),
    ("Ann Smith @ Example Street", "A*** S*** *** E*** S***"),
    ("Ann Smith <ann@example.com>", "A*** S*** <***"),
    ("Ann@Smith", "A***"),
    ("+447700900123", "+44*****123"),
    ("07700 900-123", "077*****123"),
    ("123 456", "*****"),
    ("203.0.113.7", "203.0.*.*"),
    ("2001:db8::1", "2001:***"),
    ("Ann Smith-Jones", "A*** S***"),
    ("X Æ", "*** ***"),
    ("محمد علي", "م*** ع***"),
    ("mary at example", "m*** a*** e***"),
    (None, None),
]


@pytest.mark.parametrize(("text", "expected"), MASKS)
def test_a_mask_says_what_kind_of_value_it_was_and_not_whose(shown, text, expected):
    assert shown[text] == expected


ADDRESSES = [
    ("https://shop.example/reset?email=ann@example.com", "https://shop.example/reset?email=***"),
    ("/reset?email=ann.o'hara%2Bshop%40example.com&x=1#top", "/reset?email=***&x=1#top"),
    ("/u/Ann.Smith@example.com/orders?cc=bob@example.org,zoë@exämple.com", "/u/***/orders?cc=***,***"),
    (
        "https://mail.example/?next=https%3A%2F%2Fshop.example%2F%3Fe%3Dann%2540example.com",
        "https://mail.example/?next=***",
    ),
    ("https://ann:secret@shop.example/cart", "https://***@shop.example/cart"),
    ("https://ann%40example.com@shop.example/?to=bob@example.com", "https://***@shop.example/?to=***"),
    ("mailto:ann@example.com", "mailto:***"),
    ("https://social.example/@shop", "https://social.example/@shop"),
    ("https://shop.example/product/P%201?discount=40%25", "https://shop.example/product/P%201?discount=40%25"),
    ("/cart", "/cart"),
    (None, None),
]


def test_an_address_is_kept_without_the_email_addresses_and_logins_in_it(spark):
    frame = spark.createDataFrame([(n, text) for n, (text, _) in enumerate(ADDRESSES)], "n int, text string")
    found = frame.select("n", without_emails(F.col("text")).alias("kept")).orderBy("n").collect()
    assert [row["kept"] for row in found] == [kept for _, kept in ADDRESSES]


def test_an_address_of_megabytes_is_searched_in_no_time(spark):
    pieces = ["a", "@", "%40", "a@", "://", "a.", "%"]
    frame = spark.createDataFrame([("@" + piece * (2_000_000 // len(piece)) + "?",) for piece in pieces], "text string")
    assert frame.select(without_emails(F.col("text")).alias("kept")).where("kept LIKE '%?'").count() == len(pieces)


EMAILS = [
    ("ann@example.com", "ann@example.com"),
    ("  Ann.O'Hara+shop@Example.COM ", "ann.o'hara+shop@example.com"),
    ("ann@example", None),
    ("ann@@example.com", None),
    ("ann@example..com", None),
    ("ann smith@example.com", None),
    ("Ann <ann@example.com>", None),
    ("none", None),
    ("", None),
]
PHONES = [  # text, country, E.164
    ("07700 900123", "United Kingdom", "+447700900123"),
    ("+44 (0)7700 900123", None, "+447700900123"),
    ("07700-900123", None, "+447700900123"),
    ("030 901820", "Germany", "+4930901820"),
    ("030 901820", "de", "+4930901820"),
    ("030/901820", "Deutschland", "+4930901820"),
    ("0049 30 901820", "UK", "+4930901820"),
    ("+1 202 555 0143", "Atlantis", "+12025550143"),
    ("900123", "United Kingdom", None),
    ("call me", "United Kingdom", None),
    ("07700 900123", "XX", None),
    ("1" * 300, None, None),
    ("", None, None),
]


@pytest.fixture(scope="module")
def contacts(spark):
    """Addresses and numbers as they are read, beside whether each was malformed."""
    emails = [{"email": text} for text, _ in EMAILS]
    phones = [{"phone": text, "country": country} for text, country, _ in PHONES]
    rows = customers(spark, *emails, *phones).orderBy("_source_line").collect()
    assert all(row["_problems"] == [] for row in rows)
    first = len(EMAILS)
    return (
        [(row["email"], row["_is_malformed_email"]) for row in rows[:first]],
        [(row["phone"], row["_is_malformed_phone"]) for row in rows[first:]],
    )


def test_an_email_address_has_one_form_and_what_is_none_is_flagged(contacts):
    assert contacts[0] == [(address, bool(text) and address is None) for text, address in EMAILS]


def test_a_telephone_number_has_one_form_and_what_is_none_is_flagged(contacts):
    assert contacts[1] == [(number, bool(text) and number is None) for text, _, number in PHONES]


def test_a_dropped_column_is_empty_and_needs_no_key(spark):
    frame = spark.createDataFrame([("Ann", "7")], "name string, customer_id string")
    (row,) = protect(frame, only_name_is_dropped(), None).collect()
    assert (row["name"], row["customer_id"], row["_key_version"]) == (None, "7", None)


def only_name_is_dropped():
    from dataclasses import replace

    columns = [replace(c, personal_data="drop" if c.name == "name" else None) for c in CUSTOMERS.columns]
    return replace(CUSTOMERS, columns=tuple(columns))


def test_what_broke_a_rule_is_masked_before_it_leaves_quarantine(spark):
    problems = "array<struct<column: string, value: string, rule: string>>"
    rows = [(0, 2, [("email", "ann smith@example.com", "pattern"), ("country", "Oz", "pattern")])]
    frame = spark.createDataFrame(rows, f"_file int, _source_line bigint, _problems {problems}")
    assert sample_problems(frame, CUSTOMERS)[0] == [
        {"line": 2, "column": "country", "value": "Oz", "rule": "pattern"},
        {"line": 2, "column": "email", "value": "a*** s***", "rule": "pattern"},
    ]
