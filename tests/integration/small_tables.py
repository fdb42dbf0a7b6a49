"""The tables of a small lake with a few rows in each, written by pyiceberg: enough to ask questions of."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from shoplake.catalog import LakeCatalog
from shoplake.config import Lake
from shoplake.tables import iceberg_schema, load_tables

SALE = {
    "order_id": "A1", "line_key": "1", "ordered_at": datetime(2025, 1, 15, 9, 30, tzinfo=UTC),
    "order_day": date(2025, 1, 15), "customer_id": "ann", "product_id": "MUG", "product_name": "Mug",
    "category": "Kitchen", "country": "France", "channel": "web", "status": "completed", "quantity": 2,
    "unit_price": Decimal("5"), "gross_amount": Decimal("10"), "discount_amount": Decimal("0"),
    "net_amount": Decimal("10"), "total_amount": Decimal("10"), "currency": "GBP", "is_return": False,
    "is_cancellation": False, "is_revenue": True, "order_size": "low", "first_touch_channel": "email",
    "last_touch_channel": "email", "_run_id": "2025-01-16-0001",
}  # fmt: skip
CUSTOMER = {
    "customer_id": "ann", "is_inferred": False, "orders": 2, "completed_orders": 1, "units": 2, "spend": Decimal("95"),
    "first_order_day": date(2025, 1, 15), "days_since_last_order": 1, "rfm_segment": "loyal",
    "predicted_value": Decimal("95"), "_run_id": "2025-01-16-0001",
}  # fmt: skip
DAY = {
    "order_day": date(2025, 1, 15), "category": "Kitchen", "country": "France", "orders": 1, "units": 2,
    "revenue": Decimal("10"), "average_order_value": Decimal("10"), "customers": 1, "_run_id": "2025-01-16-0001",
}  # fmt: skip
PRODUCT_DAY = {
    "product_id": "MUG", "activity_day": date(2025, 1, 16), "views": 20, "add_to_carts": 4, "orders": 2,
    "buying_orders": 2, "conversion_rate": 0.1, "units": 9, "returned_units": 1, "revenue": Decimal("45"),
    "returns_amount": Decimal("5"), "reviews": 3, "average_rating": 4.5, "stock_quantity": 40,
    "days_of_cover": Decimal("101.8182"), "_run_id": "2025-01-16-0001",
}  # fmt: skip
FUNNEL = {
    "session_day": date(2025, 1, 16), "channel": "direct", "device": "mobile", "sessions": 10, "with_view": 8,
    "with_cart": 4, "with_checkout": 3, "with_purchase": 2, "bounces": 1, "revenue": Decimal("50"), "view_rate": 0.8,
    "cart_rate": 0.4, "checkout_rate": 0.3, "conversion_rate": 0.2, "_run_id": "2025-01-16-0001",
}  # fmt: skip
PRODUCT_PERIOD = {
    "product_id": "MUG", "valid_from": datetime(2025, 1, 20, 8, tzinfo=UTC), "is_current": True, "is_inferred": False,
    "name": "Mug", "category": "Kitchen", "price": Decimal("5"), "currency": "GBP", "_run_id": "2025-01-16-0001",
}  # fmt: skip
RUN = {
    "run_id": "2025-01-16-0001", "state": "succeeded", "started_at": datetime(2025, 1, 16, 3, 0, tzinfo=UTC),
    "ended_at": datetime(2025, 1, 16, 3, 1, tzinfo=UTC), "files_accepted": 1, "files_refused": 0, "files_duplicate": 0,
    "bytes_in": 1000, "rows_read": 10, "rows_applied": 10, "rows_unchanged": 0, "rows_superseded": 0,
    "rows_quarantined": 0, "rows_duplicate": 0, "seconds": 60.0, "dpu_seconds": 360.0, "dollars": 0.04,
    "failed_state": None,
}  # fmt: skip
FINDING = {
    "run_id": "2025-01-16-0001", "table_name": "curated.sales", "expectation": "net_amount is never null",
    "expectation_type": "expect_column_values_to_not_be_null", "column_name": "net_amount", "severity": "critical",
    "is_met": True, "unexpected_rows": 0, "checked_rows": 10, "examples": None,
    "checked_at": datetime(2025, 1, 16, 3, 0, tzinfo=UTC),
}  # fmt: skip
PRODUCT = {
    "product_id": "MUG", "name": "Mug", "price": Decimal("5"), "cost": Decimal("3"), "currency": "GBP",
    "category": "Kitchen", "stock_quantity": 40, "reorder_level": 10, "stock_value": Decimal("120"),
    "margin_rate": 0.4, "is_low_stock": False, "is_out_of_stock": False, "supplier": "Potter",
}  # fmt: skip
VERSION = {
    "product_id": "MUG", "name": "Mug", "price": Decimal("4"), "currency": "GBP",
    "valid_from": datetime(2025, 1, 1, tzinfo=UTC),
}  # fmt: skip
PUBLISHED = {
    "run_id": "2025-01-16-0001", "table_name": "curated.sales", "snapshot_id": 1,
    "published_at": datetime(2025, 1, 16, 3, 1, tzinfo=UTC),
}  # fmt: skip


def write(lake: Lake, table: str, base: dict[str, Any], *changes: dict[str, Any]) -> None:
    """Create the table and append a row for each of `changes`, which is `base` with these values.

    Without partitions: pyiceberg alone can't write into those by month.
    """
    catalog, declared = LakeCatalog(lake), load_tables()[table]
    iceberg = catalog.catalog.create_table(catalog.identifier(declared), iceberg_schema(declared))
    rows = [base | change for change in changes]
    iceberg.append(pa.Table.from_pylist(rows, schema=iceberg.schema().as_arrow()))
