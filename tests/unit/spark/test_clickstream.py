"""Events: who came, what they did, when; what is set aside; and how visits are cut and summed."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from jobs.clickstream_aggregation import to_funnel, to_hours
from shoplake.spark import robots
from shoplake.spark.day_spans import merged
from shoplake.spark.sessions import events_within, reached_by, to_sessions, to_windows
from tests.unit.spark.clicks import CONTRACT, MIDNIGHT, aware, events, judged, sessions


def problems(row) -> list[tuple[str, str]]:
    return [(problem["column"], problem["rule"]) for problem in row["_problems"]]


CASES = {
    "a time without offset is UTC": {},
    "visitor": {"visitor_id": "v", "customer_id": "7.0", "source_session_id": "s"},
    "customer": {"visitor_id": "", "customer_id": "7.0", "source_session_id": "s"},
    "session": {"visitor_id": None, "source_session_id": "s"},
    "nobody": {"visitor_id": " "},
    "product of the page": {"page_url": "https://shop.example/en/product/P%201?x=/product/Q"},
    "product of its own": {"page_url": "/product/P1", "product_id": "P2"},
    "no product": {"page_url": "/products/P1"},
    "epoch seconds": {"event_time": "1291191960"},
    "epoch milliseconds": {"event_time": "1291191960025"},
    "other digits": {"event_time": "12345"},
    "no time": {"event_time": None},
    "tomorrow": {"event_time": "2011-01-02 00:00:00"},
    "day after tomorrow": {"event_time": "2011-01-02 00:00:01"},
    "before the web": {"event_time": "1989-12-31 23:59:59"},
    "words of others": {"event_type": "Add To Cart"},
    "shop's word": {"event_type": "CLICKS"},
    "no word": {"event_type": ""},
    "crawler": {"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
    "unlisted robot": {"user_agent": "ExampleBot/1.0 (+https://bot.example.com)"},
    "browser": {"user_agent": "Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36 Chrome/123.0 Safari"},
    "value": {"event_type": "purchase", "value": "1e3"},
    "value too large": {"event_type": "purchase", "value": "1000000001"},
}


@pytest.fixture(scope="module")
def told(spark):
    """What becomes of each case, all in one frame."""
    rows = judged(spark, *CASES.values()).orderBy("_source_line").collect()
    return dict(zip(CASES, rows, strict=True))


def test_a_visitor_is_the_visitor_else_the_customer_else_the_sources_session(told):
    found = [told[case]["visitor_id"] for case in ("visitor", "customer", "session", "nobody")]
    assert found == ["v", "7", "s", None]
    assert problems(told["nobody"]) == [("visitor_id", "missing")]


def test_a_product_may_come_from_the_address_of_its_page(told):
    found = [told[case]["product_id"] for case in ("product of the page", "product of its own", "no product")]
    assert found == ["P%201", "P2", None]


def test_an_instant_may_be_seconds_or_milliseconds_since_1970(told):
    at = datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    cases = ("a time without offset is UTC", "epoch seconds", "epoch milliseconds")
    found = [aware(told[case]["event_time"]) for case in cases]
    assert found == [at, at, at + timedelta(milliseconds=25)]
    assert problems(told["other digits"]) == [("event_time", "not_a_time")]


def test_events_without_a_time_or_far_from_their_file_are_set_aside(told):
    assert problems(told["no time"]) == [("event_time", "missing")]
    assert problems(told["tomorrow"]) == []
    assert problems(told["day after tomorrow"]) == [("event_time", "after_arrival")]
    assert problems(told["before the web"]) == [("event_time", "before_earliest")]


def test_unknown_words_are_other_events_and_known_ones_the_contracts(told):
    found = [told[case]["event_type"] for case in ("words of others", "shop's word", "no word")]
    assert found == ["other", "product_view", None]
    assert problems(told["no word"]) == [("event_type", "missing")]


def test_robots_are_told_by_their_user_agent(told):
    cases = ("crawler", "unlisted robot", "browser", "visitor")
    assert [told[case]["is_robot"] for case in cases] == [True, True, False, False]


def test_a_value_beyond_a_billion_is_set_aside(told):
    assert told["value"]["value"] == Decimal("1000.0000")
    assert problems(told["value too large"]) == [("value", "above_maximum")]


def test_identical_events_of_a_source_without_ids_are_events_of_their_own(spark):
    again = judged(spark, {}, {}, {"event_type": "search"}, file=1).collect()
    ids = [row["event_id"] for row in again]
    assert len(set(ids)) == 3
    assert {event_id[-2:] for event_id in ids} == {"-1", "-2"}
    assert {row["event_id"] for row in judged(spark, {}, file=2).collect()} < set(ids)


def test_an_event_has_the_same_id_when_a_later_list_of_robots_has_its_browser(spark, monkeypatch):
    agent = {"user_agent": "Sparrow/1.0"}
    before = judged(spark, agent, {}, agent).orderBy("_source_line").collect()
    monkeypatch.setattr(robots, "robot_pattern", lambda: "Sparrow")
    after = judged(spark, agent, {}, agent).orderBy("_source_line").collect()
    assert [(a["is_robot"], b["is_robot"]) for a, b in zip(before, after, strict=True)] == [
        (False, True), (False, False), (False, True),
    ]  # fmt: skip
    assert [row["event_id"] for row in after] == [row["event_id"] for row in before]
    assert [a["_row_hash"] == b["_row_hash"] for a, b in zip(before, after, strict=True)] == [False, True, False]


def test_where_the_source_names_its_events_one_without_a_name_is_set_aside(spark):
    named, nameless = judged(spark, {"event_id": "E1"}, {}, source="shop").orderBy("_source_line").collect()
    assert (named["event_id"], problems(named)) == ("E1", [])
    assert problems(nameless) == [("event_id", "missing")]


# Visits.


def test_a_gap_of_exactly_thirty_minutes_stays_in_the_session_and_midnight_does_not_cut(spark):
    found = sessions(spark, {"at": -10}, {"at": 20}, {"at": 50 + 1 / 60000}, {"at": 20, "visitor_id": "bob"})
    assert [(s["visitor_id"], s["events"], s["session_day"]) for s in found] == [
        ("ann", 2, date(2025, 3, 2)),
        ("bob", 1, date(2025, 3, 3)),
        ("ann", 1, date(2025, 3, 3)),
    ]


def test_a_session_tells_what_was_done_in_it(spark):
    (found,) = sessions(
        spark,
        {"at": 0, "event_type": "search", "device": "mobile"},
        {"at": 1, "event_type": "product_view", "page_url": "/a", "customer_id": "C1"},
        {"at": 2, "event_type": "product_view", "page_url": "/b", "customer_id": "C2"},
        {"at": 3, "event_type": "add_to_cart", "device": "desktop"},
        {"at": 4, "event_type": "checkout_start"},
        {"at": 5, "event_type": "purchase", "value": Decimal("9.99")},
        {"at": 6, "event_type": "purchase", "value": Decimal("0.01")},
        {"at": 7, "event_type": "other", "value": Decimal("5")},
    )
    counts = ("events", "page_views", "product_views", "add_to_carts", "checkouts", "purchases")
    assert [found[name] for name in counts] == [8, 3, 2, 1, 1, 2]
    assert (found["revenue"], found["duration_s"]) == (Decimal("10.0000"), 420.0)
    assert (found["landing_page"], found["exit_page"], found["customer_id"]) == ("/a", "/b", "C2")
    assert (found["device"], found["country"]) == ("mobile", "(unknown)")
    assert (found["is_bounce"], found["is_engaged"], found["is_converted"]) == (False, True, True)


@pytest.mark.parametrize(
    ("clicks", "bounce", "engaged"),
    [
        ([{"at": 0}], True, False),
        ([{"at": 0}, {"at": 1 / 6, "event_type": "other"}], True, False),
        ([{"at": 0}, {"at": 0.18, "event_type": "other"}], False, True),
        ([{"at": 0}, {"at": 0}], False, True),
        ([{"at": 0, "event_type": "purchase"}], False, True),
        ([{"at": 0, "event_type": "other"}], False, False),
    ],
)
def test_a_bounce_is_one_page_view_without_engagement(spark, clicks, bounce, engaged):
    (found,) = sessions(spark, *clicks)
    assert (found["is_bounce"], found["is_engaged"]) == (bounce, engaged)


GOOGLE, OWN = "https://www.google.com/", "https://www.shop.example/cart"


def test_what_brought_a_visitor_is_the_campaign_else_the_page_that_led_here(spark):
    firsts = [
        ({}, ("(direct)", "(none)", "direct")),
        ({"referrer": GOOGLE}, ("google.com", "organic", "organic_search")),
        ({"referrer": OWN}, ("(direct)", "(none)", "direct")),
        ({"referrer": "https://blog.example/x"}, ("blog.example", "referral", "referral")),
        ({"referrer": "https://t.co/x"}, ("t.co", "social", "social")),
        ({"referrer": GOOGLE, "utm_source": "news", "utm_medium": "Email"}, ("news", "email", "email")),
        ({"utm_source": "google", "utm_medium": "cpc"}, ("google", "cpc", "paid_search")),
        ({"utm_source": "poster"}, ("poster", "(not set)", "other")),
        ({"page_url": "/cart", "referrer": OWN}, ("(direct)", "(none)", "direct")),
        ({"page_url": None, "referrer": OWN}, ("(direct)", "(none)", "direct")),
        ({"page_url": "/cart", "referrer": GOOGLE}, ("google.com", "organic", "organic_search")),
        ({"page_url": "/cart", "referrer": "https://t.co/x"}, ("t.co", "social", "social")),
        ({"page_url": "/cart", "referrer": OWN, "utm_medium": "cpc"}, ("(direct)", "cpc", "paid_search")),
    ]
    clicks = [
        {"at": 0, "visitor_id": f"v{number:02}", "page_url": "https://shop.example/", **first}
        for number, (first, _) in enumerate(firsts)
    ]
    found = [(s["traffic_source"], s["medium"], s["channel"]) for s in sessions(spark, *clicks)]
    assert found == [told for _, told in firsts]


def test_a_session_of_200_000_events_is_one_and_flagged_where_it_is_longer_than_the_contract_allows(spark):
    base = events(spark, {"at": 0}).drop("event_id", "event_time")
    rows = spark.range(200_000).selectExpr(
        "cast(id as string) AS event_id", f"timestamp_seconds({int(MIDNIGHT.timestamp())} + id) AS event_time"
    )
    found = to_sessions(rows.crossJoin(base), CONTRACT.sessions, "Europe/London").collect()
    assert [(s["events"], s["page_views"], s["is_overlong"]) for s in found] == [(200_000, 200_000, True)]


def test_a_visitor_of_200_000_events_in_20_000_sessions_is_taken_up_in_one_pass(spark):
    hour = "timestamp_seconds(1700000000 + id * 3600)"
    sessions = spark.range(20_000).selectExpr(
        "'ann' AS visitor_id", "cast(id AS string) AS session_id", f"{hour} AS started_at",
        f"{hour} + INTERVAL 9 MINUTES AS ended_at",
    )  # fmt: skip
    minute = "timestamp_seconds(1700000000 + floor(id / 10) * 3600 + (id % 10) * 60)"
    events = spark.range(200_000).selectExpr("'ann' AS visitor_id", f"{minute} AS event_time")
    others = spark.range(3).selectExpr("'ann' AS visitor_id", "timestamp_seconds(1700000000 - 1 - id) AS event_time")
    assert events_within(events.union(others), sessions).count() == 200_000
    windows = to_windows(
        events.where("event_time < timestamp_seconds(1700000000 + 3600 * 5000)"), CONTRACT.sessions.timeout
    )
    assert reached_by(sessions, windows, CONTRACT.sessions.timeout).count() == 5_000


def test_hours_and_funnel_are_sums_over_sessions(spark):
    clicks = [
        {"at": 59},
        {"at": 61, "event_type": "add_to_cart"},
        {"at": 5, "visitor_id": "bob", "event_type": "purchase", "value": Decimal(3)},
        {"at": 55, "visitor_id": "bob", "event_type": "product_view"},
    ]
    visits = to_sessions(events(spark, *clicks), CONTRACT.sessions, "Europe/London").persist()
    (hour,) = to_hours(visits).collect()
    assert aware(hour["hour_at"]) == MIDNIGHT
    assert tuple(hour)[1:] == (date(2025, 3, 3), 3, 2, 4, 2, 1, Decimal("3.0000"), pytest.approx(1 / 3))
    (group,) = to_funnel(visits).collect()
    steps = ("sessions", "with_view", "with_cart", "with_checkout", "with_purchase", "bounces")
    assert [group[name] for name in steps] == [3, 3, 2, 1, 1, 1]


def test_a_lone_day_is_a_span_of_its_own_and_neighbours_are_one():
    day = date(2025, 3, 3)
    pairs = [(day, day), (day + timedelta(1), day + timedelta(2)), (date(1995, 1, 1), date(1995, 1, 1))]
    assert merged(pairs) == [(date(1995, 1, 1), date(1995, 1, 1)), (day, day + timedelta(2))]
    many = [(day + timedelta(3 * n), day + timedelta(3 * n)) for n in range(200)]
    assert merged(many) == [(day, day + timedelta(597))]
