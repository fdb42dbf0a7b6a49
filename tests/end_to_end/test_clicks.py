"""A dirty shop's clicks and OTTO's real sessions, the late files and the orders first, against an independent count."""

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.local_lake import first_differences, run_shoplake
from tests.oracles import buyers, merchandise
from tests.oracles import clicks as oracle

pytestmark = pytest.mark.lake

OTTO = Path(os.environ.get("SHOPLAKE_REAL_DATA", ""), "clickstream", "otto_sessions.jsonl")
needs_real_data = pytest.mark.skipif(not OTTO.is_file(), reason="SHOPLAKE_REAL_DATA doesn't name OTTO's sessions")
FIGURES = (
    "visitor_id", "started_at", "ended_at", "session_day", "events", "page_views", "product_views", "add_to_carts",
    "checkouts", "purchases", "revenue", "landing_page", "exit_page", "device", "channel", "is_bounce", "is_engaged",
    "is_converted",
)  # fmt: skip
HOURS = ("hour_at", "session_day", "sessions", "visitors", "events", "page_views", "conversions", "revenue")
SALES = (
    "order_id", "line_key", "placed_at", "customer_id", "customer_country", "customer_signed_up_day",
    "is_customer_inferred", "first_touch_at", "first_touch_channel", "last_touch_at", "last_touch_channel",
)  # fmt: skip
FUNNEL = ("session_day", "channel", "device", "sessions", "with_view", "with_cart", "with_checkout", "with_purchase")


@dataclass(frozen=True)
class Shop:
    """The shop's folder, what was planted in it, and what `show` says of its files after two runs. Its orders and
    customers are of the same shop without dirt.
    """

    folder: Path
    clean: Path
    truth: list[dict[str, Any]]
    files: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def shop(lake, tmp_path_factory):
    """Two runs: the late file, OTTO's sessions, orders and customers; then clicks alone, of the days that the late file
    belongs to.
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
    files, others = {}, list(clean.glob("*/*/*/*.csv"))
    with lake.arrivals_wait():
        lake.ask("drop", "--tree", folder / "late")
        lake.ask("drop", "--tree", clean)
        if OTTO.is_file():
            lake.ask("drop", "clickstream", OTTO)
        lake.wait_for_arrivals(len(late) + len(others) + OTTO.is_file())
    files |= clicks_of(lake.run())
    days = [path for path in folder.rglob("clickstream-*") if "late" not in path.parts]
    with lake.arrivals_wait():
        lake.ask("drop", "--tree", folder)
        lake.wait_for_arrivals(len(days))
    files |= clicks_of(lake.run())
    truth = [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()]
    return Shop(folder, clean, truth, files)


def clicks_of(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A run's files of clicks as `show` has them, by the key after raw/."""
    return {file["key"].removeprefix("raw/"): file for file in run["inputs"] if file["dataset"] == "clickstream"}


def test_the_shops_visits_are_those_of_an_independent_count(lake, shop):
    visits = oracle.sessions(oracle.read_shop(shop.folder))
    assert len(visits) > 500
    found = [row for row in lake.columns("processed.sessions", *FIGURES) if row[0].startswith("V")]
    assert first_differences([visit.figures for visit in visits], found) == {}


def test_hours_and_funnel_are_sums_of_these_visits(lake, shop):
    events = oracle.read_shop(shop.folder) + (oracle.read_otto(OTTO) if OTTO.is_file() else [])
    visits = oracle.sessions(events)
    assert first_differences(oracle.hours(visits), lake.columns("curated.traffic_hourly", *HOURS)) == {}
    assert first_differences(oracle.funnel(visits), lake.columns("curated.conversion_funnel", *FUNNEL)) == {}


def known_visits(shop: Shop) -> list[tuple[str, oracle.Session]]:
    """The visits of which the customer is known, with that customer."""
    visits = oracle.sessions(oracle.read_shop(shop.folder))
    return [(visit.customer, visit) for visit in visits if visit.customer]


def test_orders_are_owed_to_the_visits_of_an_independent_count_though_clicks_came_after_them(lake, shop):
    lines, known = buyers.read_lines(shop.clean), buyers.read_known(shop.clean)
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


def test_customers_are_those_of_an_independent_count_though_clicks_came_after_them(lake, shop):
    lines, known = buyers.read_lines(shop.clean), buyers.read_known(shop.clean)
    events = oracle.read_shop(shop.folder) + (oracle.read_otto(OTTO) if OTTO.is_file() else [])
    latest = max(*(line.day for line in lines), *(visit.day for visit in oracle.sessions(events)))
    expected = buyers.customers(lines, known, latest, known_visits(shop))
    assert first_differences(expected, lake.rows("curated.customer_360")) == {}


def test_products_days_are_those_of_an_independent_count_though_clicks_came_after_orders(lake, shop):
    events = oracle.read_shop(shop.folder) + (oracle.read_otto(OTTO) if OTTO.is_file() else [])
    expected = merchandise.product_days(buyers.read_lines(shop.clean), events)
    assert sum(row[2] > 0 and row[5] > 0 for row in expected) > 10  # looked at and bought on one day
    assert first_differences(expected, lake.rows("curated.product_performance")) == {}


def test_robots_are_kept_and_flagged(lake, shop):
    robots = Counter(row[0] for row in lake.columns("processed.events", "is_robot"))
    assert robots[False] >= len(oracle.read_shop(shop.folder))
    assert robots[True] > 0


def test_every_planted_line_is_set_aside_with_its_reason_or_counted_as_a_duplicate(shop):
    copies = {e["file"]: e["expected"]["same_bytes_as"] for e in shop.truth if e["kind"] == "duplicate_file"}
    for name, file in shop.files.items():
        if file["verdict"] == "duplicate" or "otto" in name:
            continue
        original = copies.get(name, name)  # of two files with the same bytes the one that arrives first is loaded
        planted = [e["expected"] for e in shop.truth if e["file"].removeprefix("late/") == original and e["line"]]
        outcomes = Counter(expected["outcome"] for expected in planted)
        found = (file["rows"]["quarantined"], file["rows"]["duplicate"])
        assert found == (outcomes["quarantined"], outcomes["duplicate"]), name


@needs_real_data
def test_ottos_sessions_are_cut_as_an_independent_count_cuts_them(lake, shop):
    (file,) = [file for name, file in shop.files.items() if "otto" in name]
    assert (file["rows"]["read"], file["rows"]["applied"]) == (862, 862)
    visits = oracle.sessions(oracle.read_otto(OTTO))
    found = [row for row in lake.columns("processed.sessions", *FIGURES) if not row[0].startswith("V")]
    assert first_differences([visit.figures for visit in visits], found) == {}
