"""The Glue Data Catalog through pyiceberg, for functions: no Spark, a tenth of a second a call."""

import os
from functools import lru_cache

from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import NoSuchTableError, ResolveError
from pyiceberg.schema import promote
from pyiceberg.table import Table as IcebergTable
from pyiceberg.types import IcebergType

from shoplake.config import Lake
from shoplake.errors import ConfigurationError
from shoplake.tables import Table, iceberg_schema, partition_spec

# What every lake table is created with. Copy-on-write: readers pay nothing for deletes, and nothing compacts yet.
_PROPERTIES = {
    "format-version": "2",
    "write.format.default": "parquet",
    "write.parquet.compression-codec": "snappy",
    "write.merge.mode": "copy-on-write",
    "write.update.mode": "copy-on-write",
    "write.delete.mode": "copy-on-write",
    "history.expire.max-snapshot-age-ms": str(7 * 24 * 3600 * 1000),
}


@lru_cache(maxsize=4)
def open_catalog(region: str) -> Catalog:
    """The catalog of the account and endpoint that the environment names."""
    properties = {"type": "glue", "glue.region": region, "s3.region": region}
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        properties |= {"glue.endpoint": endpoint, "s3.endpoint": endpoint}
    return load_catalog("glue", **properties)


class LakeCatalog:
    """The lake's tables by their declared names."""

    def __init__(self, lake: Lake):
        self.lake = lake
        self.catalog = open_catalog(lake.settings.region)

    def identifier(self, table: Table) -> tuple[str, str]:
        return (self.lake.database(table.database), table.name)

    def load(self, table: Table) -> IcebergTable | None:
        """The table as it is in the catalog, or None where it doesn't exist yet."""
        try:
            return self.catalog.load_table(self.identifier(table))
        except NoSuchTableError:
            return None

    def prepare(self, table: Table) -> str:
        """Create the table empty, or add the columns that it lacks, each behind the one that it is declared behind,
        and widen types (int to bigint, a decimal's precision). Returns created, widened or unchanged.

        Schema changes are table-wide in Iceberg, so they are only ever additive: readers of main see new
        columns as nulls, and a failed run may leave them behind without harm. Raises ConfigurationError where
        a column's declared type is another that Iceberg can't widen the table's to.
        """
        existing = self.load(table)
        if existing is None:
            self._create(table)
            return "created"
        present = {field.name: field.field_type for field in existing.schema().fields}
        declared = iceberg_schema(table).fields
        missing = [field for field in declared if field.name not in present]
        changed = [field for field in declared if present.get(field.name, field.field_type) != field.field_type]
        for field in changed:
            _check_widening(table, field.name, present[field.name], field.field_type)
        if not missing and not changed:
            return "unchanged"
        before = dict(zip((field.name for field in declared[1:]), (field.name for field in declared), strict=False))
        with existing.update_schema() as update:
            for field in changed:
                update.update_column(field.name, field_type=field.field_type)
            for field in missing:
                update.add_column(field.name, field.field_type, doc=field.doc)
                if field.name in before:
                    update.move_after(field.name, before[field.name])
                else:
                    update.move_first(field.name)
        return "widened"

    def _create(self, table: Table) -> None:
        database, name = self.identifier(table)
        self.catalog.create_table(
            (database, name),
            schema=iceberg_schema(table),
            location=self.lake.uri(f"{self.lake.zone(table.database)}{name}"),
            partition_spec=partition_spec(table),
            properties={
                **_PROPERTIES,
                "comment": f"{table.description} {table.grain}",
                "write.wap.enabled": str(table.branched).lower(),
            },
        )


def _check_widening(table: Table, column: str, present: IcebergType, declared: IcebergType) -> None:
    try:
        promote(present, declared)
    except ResolveError:
        raise ConfigurationError(
            f"{table.full_name}: column {column} is declared as {declared}, and Iceberg can't widen the {present} "
            "that it is in the table to that: declare the new type under another name."
        ) from None
