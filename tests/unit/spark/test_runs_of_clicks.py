"""Runs over clicks, from staged rows to tables: robots alone, an event that comes again changed, and a visitor of whom
there is no end.
"""

import hashlib
import hmac
from datetime import timedelta

import pytest

from tests.unit.spark.histories import ARRIVALS, at
from tests.unit.spark.small_lake import KEY, File, SmallLake

EVENTS, SESSIONS = "processed.events", "processed.sessions"
ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
MASKED = "https://shop.example/reset?email=***"
CLICK = {
    "event_id": "E1", "event_time": at(0), "event_type": "page_view", "visitor_id": "V1", "ip": "203.0.113.7",
    "user_agent": BROWSER, "email": "Ann@example.com",
}  # fmt: skip


def clicks(number: int, *changes: dict) -> File:
    rows = tuple(CLICK | changed for changed in changes)
    return File("clickstream", "shop", f"{number}.jsonl", ARRIVALS + timedelta(hours=number), rows)


def reviews(number: int, *rows: dict) -> File:
    return File("reviews", "shop", f"{number}.jsonl", ARRIVALS + timedelta(hours=number), rows)


@pytest.fixture(scope="module")
def lake(spark, tmp_path_factory):
    return SmallLake(spark, tmp_path_factory.mktemp("lakes"))


def test_a_run_of_robots_alone_keeps_them_and_makes_no_session(lake):
    run = lake.run([clicks(0, *({"event_id": f"B{n}", "user_agent": ROBOT, "email": None} for n in range(3)))])
    assert run.rows_of(0)["applied"] == 3
    assert [row["is_robot"] for row in lake.rows(EVENTS)] == [True] * 3
    assert lake.rows(SESSIONS) == lake.rows("curated.traffic_hourly") == []
    assert lake.rules_broken(run) == []


def test_what_is_personal_of_an_event_stays_hashed_and_dropped_when_it_comes_again_changed(lake):
    page = "https://shop.example/reset?email=Ann@example.com"
    lake.run([clicks(1, {"page_url": page, "referrer": page}, {"event_id": "E2", "event_time": at(10)})])
    assert [(row["landing_page"], row["exit_page"]) for row in lake.rows(SESSIONS)] == [(MASKED, MASKED)]
    again = {
        "page_url": page.replace("@", "%40"),
        "referrer": page,
        "event_type": "purchase",
        "email": "bob@example.com",
        "ip": "203.0.113.8",
        "value": "5",
    }
    run = lake.run([clicks(2, again)])
    assert run.pages["clickstream_aggregation"]["tables"][EVENTS] == {"inserted": 0, "updated": 1, "deleted": 0}
    rows = {row["event_id"]: row for row in lake.rows(EVENTS)}
    hashes = [hmac.new(KEY.key, text, hashlib.sha256).hexdigest() for text in (b"bob@example.com", b"ann@example.com")]
    assert [rows["E1"]["email"], rows["E2"]["email"]] == hashes
    assert (rows["E1"]["page_url"], rows["E1"]["referrer"]) == (MASKED, MASKED)
    assert rows["E1"]["_key_version"] == KEY.version
    said = repr([lake.rows(EVENTS), lake.rows(SESSIONS)])
    assert [text for text in ("203.0.113", "@example.com", "%40", "Firefox", "Googlebot", "Ann") if text in said] == []


def test_a_visitor_who_turns_out_to_be_a_robot_leaves_no_session(lake):
    robots = [{"event_id": "E1", "user_agent": ROBOT}, {"event_id": "E2", "event_time": at(10), "user_agent": ROBOT}]
    run = lake.run([clicks(3, *robots)])
    assert lake.rows(SESSIONS) == lake.rows("curated.conversion_funnel") == []
    assert lake.rules_broken(run) == []


def test_events_and_reviews_that_come_again_with_a_change_that_changes_no_sum_break_no_rule(lake):
    """The gate looks for what a run wrote in the tables made of it, also where nothing of these changed."""
    view = {"event_id": "E9", "event_time": at(3000), "event_type": "product_view", "product_id": "P1"}
    rating = {"review_id": "R1", "product_id": "P1", "rating": "4", "reviewed_at": at(3000), "text": "Good"}
    lake.run([clicks(4, view), reviews(4, rating)])
    run = lake.run([clicks(5, view | {"email": "eve@example.com"}), reviews(5, rating | {"text": "Very good"})])
    written = {name: counts for page in run.pages.values() for name, counts in page["tables"].items()}
    assert {name for name, counts in written.items() if any(counts.values())} == {EVENTS, "processed.reviews"}
    assert lake.rules_broken(run) == []


def test_late_clicks_of_a_visitor_leave_the_sessions_of_others_as_they_were(spark, tmp_path):
    lake = SmallLake(spark, tmp_path)
    ann, bob = {"event_id": "A1"}, {"event_id": "B1", "visitor_id": "V2"}
    first = lake.run([clicks(0, ann, bob)])
    late = lake.run([clicks(1, {"event_id": "A0", "event_time": at(-10)}, {"event_id": "A2", "event_time": at(20)})])
    found = {row["visitor_id"]: (row["events"], row["_run_id"]) for row in lake.rows(SESSIONS)}
    assert found == {"V1": (3, late.run_id), "V2": (1, first.run_id)}
    assert late.pages["clickstream_aggregation"]["tables"][SESSIONS] == {"inserted": 1, "updated": 0, "deleted": 1}
