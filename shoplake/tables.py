"""The lake's tables: grain, columns, types and comments from the files under `tables/`.

The one place that says what a table looks like: it is created from here, every write selects exactly these
columns in this order, and the quality gate checks what is published against them.
"""

import re
from functools import cached_property, lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shoplake.config import Lake
from shoplake.contracts import Column, load_contract
from shoplake.errors import ConfigurationError
from shoplake.root import root
from shoplake.yamlfile import first_problem, read_yaml

CATALOG = "glue_catalog"
_DECIMAL = re.compile(r"^decimal\((\d+),(\d+)\)$")
_PARTITION = re.compile(r"^(?:(days|months|years)\((\w+)\)|(\w+))$")


class TableColumn(BaseModel):
    """A column: Spark's type name, and a description that becomes the table's comment."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    type: str = Field(pattern=r"^(string|int|bigint|double|boolean|date|timestamp|decimal\(\d+,\d+\))$")
    description: str
    required: bool = False


class CheckedBy(BaseModel):
    """How the quality gate finds what a run touched of a table: all rows of each value of `column` that it touched.

    Tables with the same `touched_as` (by default the column's own name) are checked for the same values, so that their
    sums can be compared. `quality.touched` says where the values come from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    column: str
    touched_as: str | None = None

    @property
    def values(self) -> str:
        """The name under which jobs tell the values that they touched."""
        return self.touched_as or self.column


class Reference(BaseModel):
    """A foreign key: values of `column` are keys of another table, for a `share` (0 to 1) of the rows that have one."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    column: str
    table: str
    share: float = Field(default=1.0, gt=0, le=1)


class Table(BaseModel):
    """A table of the lake. `branched` tables are written on a run's branch and published by moving main.

    Of a table without `checked_by` the gate checks the rows that the run wrote.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    database: Literal["processed", "curated"]
    description: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[TableColumn, ...]
    branched: bool
    partition_by: str | None = Field(default=None, pattern=_PARTITION.pattern)
    contract: str | None = None
    touched_by: tuple[str, ...] = ()
    checked_by: CheckedBy | None = None
    references: tuple[Reference, ...] = ()

    @model_validator(mode="after")
    def _names_its_own_columns(self) -> "Table":
        names = [column.name for column in self.columns]
        named = [*self.key, *([self.partition[1]] if self.partition else [])]
        named += [self.checked_by.column] if self.checked_by else []
        named += [reference.column for reference in self.references]
        for name in named:
            if name not in names:
                raise ValueError(f"{name} is named by key, partition_by, checked_by or references but is no column")
        if len(set(names)) < len(names):
            raise ValueError("a column stands twice")
        return self

    @property
    def partition(self) -> tuple[str, str] | None:
        """The partition's transform (days, months, years, identity) and column."""
        if self.partition_by is None:
            return None
        transform, column, plain = _PARTITION.match(self.partition_by).groups()
        return (transform, column) if transform else ("identity", plain)

    @property
    def full_name(self) -> str:
        """`database.name`, without the environment."""
        return f"{self.database}.{self.name}"

    def spark_name(self, lake: Lake) -> str:
        """Its name in Spark's catalog."""
        return f"{CATALOG}.{lake.database(self.database)}.{self.name}"

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def type_of(self, column: str) -> str:
        """Spark's name of a column's type."""
        return next(c.type for c in self.columns if c.name == column)

    @property
    def business_columns(self) -> tuple[str, ...]:
        """All columns that say something of the shop: those that don't begin with `_`."""
        return tuple(name for name in self.column_names if not name.startswith("_"))


def iceberg_schema(table: Table):
    """The table's pyiceberg schema.

    No column is required there: Iceberg can't add a required one later, and the quality gate checks nulls on
    the branch, where a null can still be stopped with a reason.
    """
    from pyiceberg import types as t
    from pyiceberg.schema import Schema

    simple = {
        "string": t.StringType(), "int": t.IntegerType(), "bigint": t.LongType(), "double": t.DoubleType(),
        "boolean": t.BooleanType(), "date": t.DateType(), "timestamp": t.TimestamptzType(),
    }  # fmt: skip

    def type_of(column: TableColumn):
        decimal = _DECIMAL.match(column.type)
        return t.DecimalType(int(decimal[1]), int(decimal[2])) if decimal else simple[column.type]

    return Schema(*(
        t.NestedField(number, c.name, type_of(c), required=False, doc=c.description)
        for number, c in enumerate(table.columns, start=1)
    ))  # fmt: skip


def partition_spec(table: Table):
    """The table's pyiceberg partition spec."""
    from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionField, PartitionSpec
    from pyiceberg.transforms import DayTransform, IdentityTransform, MonthTransform, YearTransform

    if table.partition is None:
        return UNPARTITIONED_PARTITION_SPEC
    transform, column = table.partition
    transforms = {"days": DayTransform(), "months": MonthTransform(), "years": YearTransform()}
    source_id = table.column_names.index(column) + 1
    if transform not in transforms:
        return PartitionSpec(PartitionField(source_id, 1000, IdentityTransform(), column))
    return PartitionSpec(PartitionField(source_id, 1000, transforms[transform], f"{column}_{transform[:-1]}"))


@lru_cache(maxsize=1)
def load_tables() -> dict[str, Table]:
    """All tables by their full name, processed before curated, in the order of the files' names."""
    tables = [_read(path) for path in sorted((root() / "tables").glob("*/*.yaml"))]
    return {t.full_name: t for t in sorted(tables, key=lambda t: (t.database != "processed", t.name))}


def _description(column: Column) -> str:
    kept = {
        "mask": " Masked.",
        "mask_emails": " E-mail addresses and logins within it are masked.",
        "hash": " A keyed hash: HMAC-SHA-256 in hexadecimal.",
    }
    return column.description + kept.get(column.personal_data, "")


def _read(path) -> Table:
    content = {"name": path.stem, **read_yaml(path)}
    if content.get("contract"):
        of_contract = [
            {"name": c.name, "type": c.physical_type, "description": _description(c), "required": c.required}
            for c in load_contract(content["contract"]).columns
            if c.personal_data != "drop"
        ]
        content["columns"] = [*of_contract, *content.get("columns", [])]
    try:
        table = Table.model_validate(content)
    except ValidationError as error:
        raise first_problem(path, error) from None
    if table.database != path.parent.name:
        raise ConfigurationError(f"tables/{path.parent.name}/{path.name}: database says {table.database}.")
    return table
