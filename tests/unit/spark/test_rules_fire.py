"""The rules of the suites: each row that breaks one is found by that rule, and a good row by none."""

import re

from great_expectations.expectations.expectation import Expectation
from pyspark.sql import SparkSession

from quality.expectations.measured import BATCH, in_sql
from quality.expectations.rows import ExpectUniqueKey, RowsExpectation
from quality.quality_gate import suite_of
from shoplake.config import load_lake
from shoplake.tables import CATALOG, load_tables
from tests.unit.spark.frames import of_table

TABLES = {table.name: table for table in load_tables().values() if table.branched}
LAKE = load_lake("local")
Row = dict[str, object]


def found(spark: SparkSession, name: str, by: str, rows: list[Row], **others: list[Row]) -> dict[str, list[str]]:
    """What each of a table's rules in SQL selects of these rows, beside those of other tables: values of a column of
    its keys. One query, since each costs a second.
    """
    for table, its_rows in {name: rows, **others}.items():
        of_table(spark, TABLES[table], its_rows).createOrReplaceTempView(table)
    spark.table(name).createOrReplaceTempView(BATCH)
    rules = {rule.description: rule for rule in suite_of(TABLES[name])(TABLES[name], LAKE) if _is_own(rule)}
    asked = [f"SELECT {n} AS rule, CAST({by} AS STRING) AS row FROM ({rule.rows_that_break_it()})"
             for n, rule in enumerate(rules.values())]  # fmt: skip
    selected = spark.sql(re.sub(rf"{CATALOG}\.\w+\.", "", in_sql(" UNION ALL ".join(asked)))).collect()
    return {rule: sorted({row["row"] for row in selected if row["rule"] == n}) for n, rule in enumerate(rules)}


def _is_own(rule: Expectation) -> bool:
    return isinstance(rule, RowsExpectation) and not isinstance(rule, ExpectUniqueKey)


def day(number: int) -> str:
    return f"2025-01-{number:02}"


def at(time: str, number: int = 1) -> str:
    return f"{day(number)} {time}"


def session(name: str, **cells) -> Row:
    """Ten minutes of a visitor of his own, who looked at a product and put it into the cart."""
    return {
        "session_id": name, "visitor_id": name, "started_at": at("10:00:00"), "ended_at": at("10:10:00"), "events": 3,
        "page_views": 2, "product_views": 1, "add_to_carts": 1, "checkouts": 0, "purchases": 0, "is_converted": False,
        "is_bounce": False, "is_engaged": True, "is_overlong": False, **cells,
    }  # fmt: skip


def test_sessions(spark):
    sessions = [
        session("good"),
        session("good later", visitor_id="good", started_at=at("10:40:01"), ended_at=at("10:50:00")),
        session("too near", visitor_id="good", started_at=at("11:20:00"), ended_at=at("11:21:00")),
        session("more looks than pages", product_views=3),
        session("more pages than events", page_views=4),
        session("converted without a purchase", is_converted=True),
        session("engaged bounce", is_bounce=True),
        session("ends before it begins", ended_at=at("09:59:59")),
        session("long", is_overlong=True),
    ]
    assert found(spark, "sessions", "session_id", sessions) == {
        "Between two sessions of a visitor there is a pause of more than 30 minutes": ["too near"],
        "A session's counts agree: product views are page views, page views and purchases are events": [
            "converted without a purchase", "ends before it begins", "engaged bounce", "more looks than pages",
            "more pages than events",
        ],
        "No session is longer than the contract's longest": ["long"],
    }  # fmt: skip


def test_events(spark):
    def event(name: str, time: str, visitor_id: str = "ann", is_robot: bool = False) -> Row:
        return {"event_id": name, "event_time": at(time), "visitor_id": visitor_id, "is_robot": is_robot}

    events = [
        event("first", "10:00:00"),
        event("middle", "10:05:00"),
        event("last", "10:10:00"),
        event("robot", "23:00:00", is_robot=True),
        event("before", "09:59:59"),
        event("between", "10:10:01"),
        event("after", "12:10:01"),
        event("of another visitor", "10:05:00", visitor_id="bob"),
    ]
    hours = ("10:00:00", "10:10:00"), ("12:00:00", "12:10:00")
    sessions = [session(low, visitor_id="ann", started_at=at(low), ended_at=at(high)) for low, high in hours]
    assert found(spark, "events", "event_id", events, sessions=sessions) == {
        "Every event is in a session of its visitor, unless a robot's": [
            "after", "before", "between", "of another visitor",
        ],
    }  # fmt: skip


def test_product_history(spark):
    def product(product_id: str, first: int = 1, until: int | None = None, **cells) -> Row:
        return {
            "product_id": product_id, "valid_from": day(first), "valid_to": until and day(until),
            "is_current": until is None, "is_inferred": False, "name": "Cup", "price": 2, "cost": 1, "currency": "GBP",
            "category_path": "Home", **cells,
        }  # fmt: skip

    inferred = {"is_inferred": True, "price": None, "currency": None}
    history = [
        *(product("good", 1, 2), product("good", 2)),
        product("good and inferred", name=None, **inferred),
        *(product("gap", 1, 2), product("gap", 3)),
        *(product("twice current", 1, 2, is_current=True), product("twice current", 2)),
        product("another price", price=3),
        product("unnamed", name=None),
        product("inferred with a price", **(inferred | {"price": 2})),
        *(product("inferred and known", 1, 2), product("inferred and known", 2, **inferred)),
    ]
    names = ("good", "another price", "without a history")
    products = [{"product_id": name, "name": "Cup", "price": 2, "cost": 1, "category_path": "Home"} for name in names]
    assert found(spark, "product_history", "product_id", history, products=products) == {
        "Each time of a product ends where the next one begins, and the last one holds now": ["gap", "twice current"],
        "Each product has one row that holds now": ["twice current"],
        "What holds now is what the catalogue says": ["another price", "without a history"],
        "A product of the catalogue has a name, a price and a currency; an inferred one has one row and no price": [
            "inferred and known", "inferred with a price", "unnamed",
        ],
    }  # fmt: skip


def test_customer_360(spark):
    def customer(name: str, **cells) -> Row:
        return {
            "customer_id": name, "orders": 1, "completed_orders": 1, "units": 2, "spend": 10, "recency_score": 5,
            "frequency_score": 5, "monetary_score": 5, "rfm_segment": "champions", "first_order_at": at("10:00:00"),
            "last_order_at": at("10:00:00"), "first_order_day": day(1), "last_order_day": day(1),
            "days_since_last_order": 0, **cells,
        }  # fmt: skip

    scores = ("recency_score", "frequency_score", "monetary_score")
    orders = ("first_order_at", "last_order_at", "first_order_day", "last_order_day", "days_since_last_order")
    nothing = dict.fromkeys((*scores, *orders)) | {"completed_orders": 0, "rfm_segment": "prospects"}
    customers = [
        customer("good"),
        customer("good without orders", **nothing, orders=0, units=0, spend=0),
        customer("another segment", rfm_segment="loyal"),
        customer("scored without orders", **(nothing | dict.fromkeys(scores, 5) | {"rfm_segment": "champions"})),
        customer("half scored", monetary_score=None, rfm_segment=None),
        customer("more spend", spend=11),
        customer("more units", units=3),
        customer("more orders", orders=2),
        customer("last before first", last_order_at=at("09:00:00")),
        customer("after the latest day", days_since_last_order=-1),
        customer("more completed than all", completed_orders=2),
    ]
    sales = [
        {"customer_id": row["customer_id"], "order_id": "A", "quantity": 2, "net_amount": 10, "is_revenue": True}
        for row in customers
        if row["customer_id"] != "good without orders"
    ]
    assert found(spark, "customer_360", "customer_id", customers, sales=sales) == {
        "The segment is that of the three scores, which customers with a completed order have and no other": [
            "another segment", "half scored", "scored without orders",
        ],
        "Orders, units and spend are those of the customer's lines in sales": [
            "more orders", "more spend", "more units",
        ],
        "Orders come in order: the first before the last, none after the lake's latest day": [
            "after the latest day", "last before first", "more completed than all",
        ],
    }  # fmt: skip


def test_sales(spark):
    visit = {"first_touch_session_id": "S", "first_touch_at": at("10:00:00"), "first_touch_channel": "email"}
    visits = visit | {name.replace("first", "last"): value for name, value in visit.items()}

    def line(name: str, **cells) -> Row:
        return {
            "order_id": name, "line_key": "1", "customer_id": "ann", "is_customer_inferred": False, "product_id": "P",
            "net_amount": 5, "country": "France", "placed_at": at("10:30:00"), **visits, **cells,
        }  # fmt: skip

    early = {"first_touch_session_id": "early", "first_touch_at": at("10:00:00", 2), "placed_at": at("10:00:01", 9)}
    late = {"last_touch_session_id": "late", "last_touch_at": at("10:30:01")}
    nobody = {"customer_id": None, "is_customer_inferred": None}
    of_nobody = {name: "of nobody" for name in ("first_touch_session_id", "last_touch_session_id")}
    sales = [
        line("good"),
        line("good without a visit", **dict.fromkeys(visits)),
        line("another amount", net_amount=6),
        line("not ordered"),
        line("flag without a customer", **dict.fromkeys(visits), customer_id=None),
        line("owed without a customer", **nobody, **of_nobody),
        line("owed to a visit too early", **early, last_touch_at=at("10:00:00", 3), last_touch_session_id="in time"),
        line("owed to a later visit", **late),
        line("owed to half a visit", last_touch_at=None, last_touch_session_id=None, last_touch_channel=None),
        line("owed to no visit", first_touch_session_id="nowhere"),
        line("owed to another's visit", last_touch_session_id="of bob"),
        line("owed to another channel", first_touch_channel="direct"),
        line("of a stranger", customer_id="stranger", **dict.fromkeys(visits)),
        line("of no product", product_id="unheard of"),
        line("from nowhere", country="(unknown)"),
    ]
    of_orders = [*(row["order_id"] for row in sales if row["order_id"] != "not ordered"), "not sold"]

    def visit_of(name: str, started_at: str = at("10:00:00"), customer_id: str | None = "ann") -> Row:
        session_day = started_at.split()[0]
        return session(name, customer_id=customer_id, started_at=started_at, session_day=session_day, channel="email")

    sessions = [
        *(visit_of("S"), visit_of("of bob", customer_id="bob"), visit_of("of nobody", customer_id=None)),
        *(visit_of("early", at("10:00:00", 2)), visit_of("in time", at("10:00:00", 3))),
        visit_of("late", at("10:30:01")),
    ]
    assert found(
        spark,
        "sales",
        "order_id",
        sales,
        transactions=[{"order_id": name, "line_key": "1", "net_amount": 5} for name in of_orders],
        sessions=sessions,
        customer_360=[{"customer_id": "ann"}],
        product_history=[{"product_id": "P"}],
    ) == {
        "Every order line of the touched days is in sales with the same net amount, and no other": [
            "another amount", "not ordered", "not sold",
        ],
        "A sale has a customer's flag where it has a customer, and is owed to sessions of one only": [
            "flag without a customer", "owed without a customer",
        ],
        "The sessions that an order is owed to began within 7 days before it, the first one first": [
            "owed to a later visit", "owed to a visit too early", "owed to half a visit",
        ],
        "The sessions that an order is owed to are there, and its customer's": [
            "owed to another channel", "owed to another's visit", "owed to no visit",
        ],
        "Every buyer is a customer of curated.customer_360": ["of a stranger"],
        "Every sale's product has a history": ["of no product"],
        "An order's country is known": ["from nowhere"],
    }  # fmt: skip


def visits_of_days(*days: int, **cells) -> list[Row]:
    """A session of each day, without a purchase."""
    return [session(day(number), session_day=day(number), revenue=0, **cells) for number in days]


def test_conversion_funnel(spark):
    def group(number: int, sessions: int, *steps: int) -> Row:
        names = ("with_view", "with_cart", "with_checkout", "with_purchase")
        return {"session_day": day(number), "channel": "email", "device": "mobile", "sessions": sessions,
                **dict(zip(names, steps, strict=True))}  # fmt: skip

    funnel = [
        group(1, 1, 1, 0, 0, 0),
        *(group(2, 1, 2, 1, 1, 0), group(3, 1, 0, 1, 1, 0), group(4, 1, 1, 0, 1, 0), group(8, 1, 1, 1, 0, 1)),
        *(group(6, 2, 1, 0, 0, 0), group(7, 1, 1, 1, 1, 1)),
    ]
    sessions = [*visits_of_days(1, 2, 3, 4, 5, 6, 7), *visits_of_days(8, is_converted=True)]
    assert found(spark, "conversion_funnel", "session_day", funnel, sessions=sessions) == {
        "No step of the funnel has more sessions than the one before": [day(2), day(3), day(4), day(8)],
        "The day's sessions and conversions are those of its sessions": [day(5), day(6), day(7)],
    }


def test_traffic_hourly(spark):
    def hour(number: int, **cells) -> Row:
        return {"session_day": day(number), "hour_at": at("10:00:00", number), "sessions": 1, "events": 3,
                "page_views": 2, "revenue": 0, **cells}  # fmt: skip

    hours = [hour(1), hour(2, sessions=2), hour(3, events=4), hour(4, page_views=1), hour(5, revenue=1), hour(6)]
    assert found(spark, "traffic_hourly", "session_day", hours, sessions=visits_of_days(1, 2, 3, 4, 5, 7)) == {
        "The day's sessions, events, page views and revenue are those of its sessions": [
            day(2), day(3), day(4), day(5), day(6), day(7),
        ],
    }  # fmt: skip


def sold(number: int, quantity: int = 2, net_amount: float = 10, is_revenue: bool = True) -> Row:
    return {"order_day": day(number), "quantity": quantity, "net_amount": net_amount, "is_revenue": is_revenue}


def test_daily_sales_summary(spark):
    days = [{"order_day": day(n), "category": "Home", "country": "France", "units": units, "revenue": revenue}
            for n, units, revenue in ((1, 2, 10), (2, 3, 10), (3, 2, 11), (4, 2, 10))]  # fmt: skip
    sales = [sold(1), sold(1, is_revenue=False), sold(2), sold(3), sold(5)]
    assert found(spark, "daily_sales_summary", "order_day", days, sales=sales) == {
        "The day's revenue and units are the sums of net amounts and quantities in sales": [
            day(2), day(3), day(4), day(5),
        ],
    }  # fmt: skip


def test_product_performance(spark):
    def product_day(number: int, **cells) -> Row:
        return {
            "product_id": "P", "activity_day": day(number), "views": 2, "add_to_carts": 1, "orders": 1, "units": 2,
            "buying_orders": 1, "conversion_rate": 0.5, "revenue": 10, "reviews": 1, "average_rating": 4.0, **cells,
        }  # fmt: skip

    nothing = {"views": 0, "add_to_carts": 0, "conversion_rate": None, "reviews": 0, "average_rating": None}
    days = [
        product_day(1),
        product_day(2, **nothing, stock_quantity=5),
        *(product_day(3, revenue=11), product_day(4, units=3), product_day(5)),
        *(product_day(6, views=1, conversion_rate=1.0), product_day(7, add_to_carts=0)),
        *(product_day(8, **nothing), product_day(9, buying_orders=2, conversion_rate=1.0)),
        *(product_day(10, conversion_rate=0.4), product_day(11, average_rating=None)),
        *(product_day(12, average_rating=5.1), product_day(13, stock_quantity=5)),
    ]
    clicked = [
        {"product_id": "P", "event_day": day(n), "event_type": kind, "is_robot": n == 2}
        for n in (1, 2, 6, 7)
        for kind in ("product_view", "product_view", "add_to_cart", "purchase")
    ]
    assert found(
        spark,
        "product_performance",
        "activity_day",
        days,
        sales=[sold(number) for number in range(1, 15) if number != 5],
        events=clicked,
        reviews=[{"product_id": "P", "reviewed_day": day(number)} for number in (1, 8)],
    ) == {
        "The day's revenue and units are those of the lines in sales": [day(3), day(4), day(5), day(14)],
        "Every look at a product and every cart that the run wrote counts on its product's day": [day(6), day(7)],
        "Every review that the run wrote counts on its product's day": [day(8)],
        "Rates follow from the counts, and a mean rating lies between 1 and 5": [
            day(9), day(10), day(11), day(12),
        ],
        "Stock stands on one day only": [day(2)],
    }  # fmt: skip
