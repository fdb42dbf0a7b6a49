"""The lake measured from outside a run: the newest row of each table, out of the tables' metadata."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from shoplake.catalog import LakeCatalog
from shoplake.freshness import newest_instants
from shoplake.metrics import of_lake
from shoplake.tables import iceberg_schema, load_tables
from tests.integration.small_lake import small_lake

SALES = load_tables()["curated.sales"]


@pytest.fixture(scope="module")
def lake(emulator, tmp_path_factory):
    return small_lake("measured", tmp_path_factory.mktemp("build"))


def append(lake, *ordered_at: datetime) -> None:
    table = LakeCatalog(lake).load(SALES)
    rows = [{"order_id": str(at), "order_day": at.date(), "ordered_at": at} for at in ordered_at]
    table.append(pa.Table.from_pylist(rows, schema=table.schema().as_arrow()))


def test_the_newest_row_of_all_files_counts_and_an_empty_table_has_none(lake):
    catalog = LakeCatalog(lake)
    schema = iceberg_schema(SALES)  # without partitions: pyiceberg can't append to months
    catalog.catalog.create_table(catalog.identifier(SALES), schema, location=lake.uri("curated/sales"))
    assert newest_instants(lake) == {}
    newest = datetime(2011, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
    append(lake, datetime(2011, 3, 1, tzinfo=UTC), newest)
    append(lake, datetime(2010, 12, 1, tzinfo=UTC))
    assert newest_instants(lake) == {"curated.sales": newest}
    at = datetime(2011, 3, 5, 5, 6, 7, 89, tzinfo=UTC)
    found = {(m.name, m.dimensions.get("table")): m.value for m in of_lake(lake, at)}
    assert found == {("FilesHeld", None): 0, ("FreshnessHours", "curated.sales"): 24.0}
