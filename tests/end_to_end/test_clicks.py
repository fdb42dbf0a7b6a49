"""A dirty shop's clicks and OTTO's real sessions, the late files and the orders first, against independent counts."""

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.all_that_is_said import all_that_is_said, literally
from tests.end_to_end.local_lake import RUN_TIMEOUT_S, first_differences, run_shoplake
from tests.oracles import buyers, merchandise
from tests.oracles import clicks as oracle

pytestmark = pytest.mark.lake

OTTO = Path(os.environ.get("SHOPLAKE_REAL_DATA", ""), "clickstream", "otto_sessions.jsonl")
needs_real_data = pytest.mark.skipif(not OTTO.is_file(), reason="SHOPLAKE_REAL_DATA doesn't name OTTO's sessions")
FIGURES = (
    "visitor_id", "customer_id", "started_at", "ended_at", "session_day", "duration_s", "events", "page_views",
    "product_views", "add_to_carts", "checkouts", "purchases", "revenue", "landing_page", "exit_page", "device",
    "country", "traffic_source", "medium", "channel", "campaign", "is_bounce", "is_engaged", "is_converted",
    "is_overlong",
)  # fmt: skip
EVENT = (
    "event_id", "event_time", "event_day", "event_type", "visitor_id", "customer_id", "page_url", "product_id",
    "referrer", "utm_source", "utm_medium", "utm_campaign", "device", "country", "value", "is_robot",
)  # fmt: skip
ODD_PLACE = "clickstream/source=shop/date=2025-01-02"
SALES = (
    "order_id", "line_key", "placed_at", "customer_id", "customer_country", "customer_signed_up_day",
    "is_customer_inferred", "first_touch_at", "first_touch_channel", "last_touch_at", "last_touch_channel",
)  # fmt: skip
ODD = [  # beside an event of another file; each with what is said of it
    ({"event_time": "2099-01-01T00:00:00Z"}, ("event_time", "2099-01-01T00:00:00Z", "after_arrival")),
    ({"event_time": "1969-12-31T23:59:59Z"}, ("event_time", "1969-12-31T23:59:59Z", "before_earliest")),
    ({"visitor_id": None, "session_id": None, "email": "nobody@example.com"}, ("visitor_id", None, "missing")),
]
ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
ROBOTS = 30


@dataclass(frozen=True)
class Shop:
    """The shop's folder, what was planted in it, and what `show` says of its files after two runs. Its orders,
    in `clean`, and its customers are of the same shop without dirt.
    """

    folder: Path
    clean: Path
    truth: list[dict[str, Any]]
    files: dict[str, dict[str, Any]]
    shows: list[dict[str, Any]]


@pytest.fixture(scope="module")
def shop(lake, tmp_path_factory):
    """Two runs: the late file, OTTO's sessions and the orders; then the customers, and the clicks of the days that the
    late file belongs to.
    """
    lake.clear()
    folder = tmp_path_factory.mktemp("clicks") / "shop"
    clean = folder.with_name("clean")
    for tree, dirt, datasets in ((folder, "0.04", "clickstream"), (clean, "0", "transactions,customers")):
        options = ("--days", "3", "--orders-per-day", "8", "--dirt", dirt, "--datasets", datasets)
        done = run_shoplake("generate", *options, "--out", tree)
        assert done.exit_code == 0, done.err
    late = list((folder / "late").rglob("*.jsonl"))
    assert late
    (clean / "customers").rename(folder / "customers")
    orders, people = list(clean.glob("*/*/*/*.csv")), list(folder.glob("customers/*/*/*.csv"))
    add_odd_clicks(folder)
    with lake.arrivals_wait():
        lake.ask("drop", "--tree", folder / "late")
        lake.ask("drop", "--tree", clean)
        if OTTO.is_file():
            lake.ask("drop", "clickstream", OTTO)
        lake.wait_for_arrivals(len(late) + len(orders) + OTTO.is_file())
    shows = [lake.run()]
    with lake.arrivals_wait():
        lake.ask("drop", "--tree", folder)
        lake.wait_for_arrivals(len(list(folder.glob("clickstream/*/*/*"))) + len(people))
    shows.append(lake.run())
    files = clicks_of(shows[0]) | clicks_of(shows[1])
    truth = [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()]
    odd = [
        {"file": f"{ODD_PLACE}/odd.jsonl", "line": line, "kind": rule,
         "expected": {"outcome": "quarantined", "column": column, "value": value, "rule": rule}}
        for line, (_, (column, value, rule)) in enumerate(ODD, 2)
    ]  # fmt: skip
    return Shop(folder, clean, truth + odd, files, shows)


def clicks_of(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A run's files of clicks as `show` has them, by the key after raw/."""
    return {file["key"].removeprefix("raw/"): file for file in run["inputs"] if file["dataset"] == "clickstream"}


def add_odd_clicks(folder: Path) -> None:
    """Files that no generator makes, beside the shop's own: one of an event that another file has too and of events
    that break a rule, one of robots alone.
    """
    good = a_good_click(folder)
    odd = [good, *(good | {"event_id": f"odd-{number}"} | changes for number, (changes, _) in enumerate(ODD))]
    robots = [good | {"event_id": f"robot-{n}", "visitor_id": "V-robot", "user_agent": ROBOT} for n in range(ROBOTS)]
    for name, rows in (("odd", odd), ("robots", robots)):
        place = folder / ODD_PLACE / f"{name}.jsonl"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(json.dumps(row) + "\n" for row in rows))


def a_good_click(folder: Path) -> dict[str, Any]:
    """An event of a person as one of the shop's files has it."""
    people = {event.event_id for event in oracle.read_shop(folder)}
    return next(row for row in oracle.read_rows(folder) if row["event_id"] in people and "event_time" in row)


def test_the_shops_visits_are_those_of_an_independent_count(lake, shop):
    visits = oracle.sessions(oracle.read_shop(shop.folder))
    assert len(visits) > 500
    found = [row for row in lake.columns("processed.sessions", *FIGURES) if row[0].startswith("V")]
    assert first_differences([visit.figures for visit in visits], found) == {}


def test_hours_and_funnel_are_sums_of_these_visits(lake, shop):
    events = oracle.read_shop(shop.folder) + (oracle.read_otto(OTTO) if OTTO.is_file() else [])
    visits = oracle.sessions(events)
    assert first_differences(oracle.hours(visits), lake.rows("curated.traffic_hourly")) == {}
    assert first_differences(oracle.funnel(visits), lake.rows("curated.conversion_funnel")) == {}


def test_every_event_is_what_the_shops_files_say(lake, shop):
    expected = oracle.read_all(shop.folder)
    assert any(event.is_robot for event in expected) and any(event.value for event in expected)
    events = lake.columns("processed.events", *EVENT)
    found = [row for row in events if row[4].startswith("V") and not row[0].startswith("robot-")]
    assert first_differences([event.figures for event in expected], found) == {}


def known_visits(shop: Shop) -> list[tuple[str, oracle.Session]]:
    """The visits of which the customer is known, with that customer."""
    visits = oracle.sessions(oracle.read_shop(shop.folder))
    return [(visit.customer, visit) for visit in visits if visit.customer]


def test_orders_are_owed_to_the_visits_of_an_independent_count_though_these_came_later(lake, shop):
    lines, known = buyers.read_lines(shop.clean), buyers.read_known(shop.folder)
    expected = buyers.sales(lines, known, known_visits(shop))
    assert sum(row[-1] is not None for row in expected) > 10
    assert first_differences(expected, lake.columns("curated.sales", *SALES)) == {}


def test_touches_name_the_sessions_that_began_then(lake, shop):
    sessions = lake.columns("processed.sessions", "session_id", "customer_id", "started_at", "channel")
    began = {session: (customer, at, channel) for session, customer, at, channel in sessions}
    for which in ("first", "last"):
        names = (f"{which}_touch_session_id", "customer_id", f"{which}_touch_at", f"{which}_touch_channel")
        touches = [touch for touch in lake.columns("curated.sales", *names) if touch[0] is not None]
        assert touches
        assert [touch for touch in touches if began[touch[0]] != touch[1:]] == []


def test_customers_are_those_of_an_independent_count_though_their_orders_came_first(lake, shop):
    lines, known = buyers.read_lines(shop.clean), buyers.read_known(shop.folder)
    events = oracle.read_shop(shop.folder) + (oracle.read_otto(OTTO) if OTTO.is_file() else [])
    latest = max(*(line.day for line in lines), *(visit.day for visit in oracle.sessions(events)))
    expected = buyers.customers(lines, known, latest, known_visits(shop))
    assert first_differences(expected, lake.rows("curated.customer_360")) == {}


def test_products_days_are_those_of_an_independent_count_though_clicks_came_after_orders(lake, shop):
    events = oracle.read_shop(shop.folder) + (oracle.read_otto(OTTO) if OTTO.is_file() else [])
    expected = merchandise.product_days(buyers.read_lines(shop.clean), events)
    assert sum(row[2] > 0 and row[5] > 0 for row in expected) > 10  # looked at and bought on one day
    assert first_differences(expected, lake.rows("curated.product_performance")) == {}


def test_robots_are_kept_and_flagged_and_a_file_of_robots_alone_makes_no_session(lake, shop):
    robots = Counter(lake.columns("processed.events", "is_robot", "visitor_id"))
    of_people = sum(count for (is_robot, _), count in robots.items() if not is_robot)
    assert of_people >= len(oracle.read_shop(shop.folder))
    assert robots[True, "V-robot"] == ROBOTS == shop.files[f"{ODD_PLACE}/robots.jsonl"]["rows"]["applied"]
    assert ("V-robot",) not in lake.columns("processed.sessions", "visitor_id")


def test_every_planted_line_is_set_aside_with_its_reason_or_counted_as_a_duplicate(shop):
    copies = {e["file"]: e["expected"]["same_bytes_as"] for e in shop.truth if e["kind"] == "duplicate_file"}
    for name, file in shop.files.items():
        if file["verdict"] == "duplicate" or "otto" in name:
            continue
        original = copies.get(name, name)  # of two files with the same bytes the one that arrives first is loaded
        planted = [e for e in shop.truth if e["file"].removeprefix("late/") == original and e["line"]]
        rejected = [
            (e["line"], *(e["expected"][part] for part in ("column", "value", "rule")))
            for e in planted
            if e["expected"]["outcome"] == "quarantined"
        ]
        told = [(p["line"], p["column"], p["value"], p["rule"]) for p in file["problems"]]
        assert sorted(told, key=repr) == sorted(rejected, key=repr), name
        assert file["rows"]["duplicate"] == sum(e["expected"]["outcome"] == "duplicate" for e in planted), name


def test_an_event_that_two_files_have_counts_once(shop):
    rows = shop.files[f"{ODD_PLACE}/odd.jsonl"]["rows"]
    assert rows["read"] == 1 + len(ODD) == 1 + rows["quarantined"]
    counts = sum((Counter(file["rows"]) for file in shop.shows[1]["inputs"]), Counter())
    assert counts["unchanged"] == 1  # of the two, the one in the file that arrived first


def test_no_address_browser_or_mailbox_of_a_visitor_is_in_any_table_letter_log_or_page(lake, shop):
    names = ("ip", "user_agent", "email")
    rows = list(oracle.read_rows(shop.folder))
    personal = {row[name] for row in rows for name in names if row.get(name)} | {"nobody@example.com"}
    assert len(personal) > 400
    a_mailbox, an_address = (next(row[name] for row in rows if row.get(name)) for name in ("email", "ip"))
    assert literally(personal, f"log: {a_mailbox}, from {an_address}.") >= {(a_mailbox,), (an_address,)}
    said = all_that_is_said(lake, shop.shows)
    assert len(said) > 25
    assert {place: found for place, text in said.items() if (found := literally(personal, text))} == {}
    emails = {row[0] for row in lake.columns("processed.events", "email")} - {None}
    assert emails and {len(email) for email in emails} == {64}


@needs_real_data
def test_ottos_sessions_are_cut_as_an_independent_count_cuts_them(lake, shop):
    (file,) = [file for name, file in shop.files.items() if "otto" in name]
    assert (file["rows"]["read"], file["rows"]["applied"]) == (862, 862)
    visits = oracle.sessions(oracle.read_otto(OTTO))
    found = [row for row in lake.columns("processed.sessions", *FIGURES) if not row[0].startswith("V")]
    assert first_differences([visit.figures for visit in visits], found) == {}
    events = [row[1:] for row in lake.columns("processed.events", *EVENT) if not row[4].startswith("V")]
    assert first_differences([event.figures[1:] for event in oracle.read_otto(OTTO)], events) == {}


def test_a_replay_of_clicks_changes_nothing(lake, shop):
    before, record = lake.snapshots(), shop.shows[0]
    replay = lake.ask("replay", record["run_id"], "--wait", "--timeout", str(RUN_TIMEOUT_S))
    assert replay["rows"]["read"] == record["rows"]["read"]
    assert replay["rows"]["applied"] == 0
    assert lake.snapshots() == before
