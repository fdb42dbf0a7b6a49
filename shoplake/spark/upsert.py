"""Write changed rows, and only those, to a table on the run's branch."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from shoplake.spark.winners import DELETE, EXACT, INSERT, TOUCH, UPDATE
from shoplake.tables import Table

ACTION = "_action"


@dataclass(frozen=True)
class Bounds:
    """Ranges that hold every key of a batch, as SQL literals, so that a scan or MERGE prunes the table's files.

    Always right for key columns. For another column only where it can't change between versions of a row.
    """

    ranges: dict[str, tuple[str, str]]

    @classmethod
    def of(cls, rows: DataFrame, columns: list[str]) -> "Bounds":
        """The least and greatest value of each column. Strings, dates and timestamps; no row, no range."""
        return cls.of_groups(rows.agg(*ends(columns)).collect(), rows.schema, columns)

    @classmethod
    def of_groups(cls, groups: Iterable[Row], schema: StructType, columns: list[str]) -> "Bounds":
        """The same of rows that were counted in groups: each has what `ends` asks for, `schema` is the rows' own."""
        groups, ranges = list(groups), {}
        for name in columns:
            kind = schema[name].dataType.typeName()
            least = [group[f"min_{name}"] for group in groups if group[f"min_{name}"] is not None]
            greatest = [group[f"max_{name}"] for group in groups if group[f"max_{name}"] is not None]
            if least:
                ranges[name] = (_literal(min(least), kind), _literal(max(greatest), kind))
        return cls(ranges)

    @classmethod
    def of_values(cls, column: str, values: Collection[date] | Collection[str]) -> "Bounds":
        """The least and the greatest of some days or texts, which must be at least one."""
        least, greatest = min(values), max(values)
        kind = "date" if isinstance(least, date) else "string"
        return cls({column: (_literal(str(least), kind), _literal(str(greatest), kind))})

    def condition(self) -> Column:
        """The condition on a frame that has these columns."""
        return F.expr(self.sql())

    def sql(self, alias: str = "") -> str:
        """The condition as SQL; a MERGE prunes its target only by literals in the ON clause. A batch without
        rows meets no row: FALSE.
        """
        if not self.ranges:
            return "FALSE"
        dot = f"{alias}." if alias else ""
        return " AND ".join(f"{dot}{n} BETWEEN {least} AND {greatest}" for n, (least, greatest) in self.ranges.items())


def ends(columns: list[str]) -> list[Column]:
    """Aggregates for `Bounds.of_groups`: the least and greatest value of each column, as text."""
    return [f(name).cast("string").alias(f"{f.__name__}_{name}") for name in columns for f in (F.min, F.max)]


def _literal(text: str | None, kind: str) -> str:
    """A SQL literal; timestamps as text are in the session's time zone, which is UTC."""
    quoted = "'" + str(text).replace("\\", "\\\\").replace("'", "\\'") + "'"
    return {"timestamp": f"TIMESTAMP {quoted}", "date": f"DATE {quoted}"}.get(kind, quoted)


def content_of(table: Table) -> Column:
    """What a row of a table says of the shop, as one text: all columns that don't begin with `_`, nulls too."""
    return F.to_json(F.struct(*table.business_columns), {**EXACT, "ignoreNullFields": "false"})


def compare_rows(computed: DataFrame, stored: DataFrame, table: Table, deletes: bool = False) -> DataFrame:
    """The computed rows with `_action`: insert, update, or null where the table has the same row already.

    With `deletes`, stored rows that were not computed come out as deletes: `stored` must then hold exactly
    the rows that were recomputed. Rows are compared over all columns that don't begin with `_`.
    """
    key = list(table.key)
    content = content_of(table)
    new = computed.withColumn("_content", content)
    old = stored.select(*key, content.alias("_held_content"), F.lit(True).alias("_is_held"))
    joined = new.withColumn("_is_computed", F.lit(True)).join(old, on=key, how="full" if deletes else "left")
    action = (
        F.when(F.col("_is_computed").isNull(), DELETE)
        .when(F.col("_is_held").isNull(), INSERT)
        .when(F.col("_content") != F.col("_held_content"), UPDATE)
    )
    return joined.withColumn(ACTION, action).drop("_content", "_held_content", "_is_held", "_is_computed")


def by_action(counts: Iterable[Row]) -> dict[str | None, int]:
    """Rows of counted groups (`_action`, `count`) by their action."""
    counted: Counter[str | None] = Counter()
    for row in counts:
        counted[row[ACTION]] += row["count"]
    return dict(counted)


def counts_of(counted: dict[str | None, int]) -> dict[str, int]:
    """Rows inserted, updated and deleted, of rows by `_action`. A touch is none of these: no reader sees it."""
    return {
        "inserted": counted.get(INSERT, 0),
        "updated": counted.get(UPDATE, 0),
        "deleted": counted.get(DELETE, 0),
    }


def write_changes(name: str, table: Table, changes: DataFrame, counted: dict[str | None, int], bounds: Bounds) -> None:
    """Apply rows with an `_action` to a table. Inserts alone are appended: no scan of the target.

    `changes` must be cached, and nothing that reads it may come after: a write makes Spark compute anew every
    cached frame that reads the table written to.
    """
    actions = {action for action, count in counted.items() if action is not None and count}
    rows = changes.where(F.col(ACTION).isNotNull()).select(*table.column_names, ACTION)
    if actions == {INSERT}:
        rows.drop(ACTION).writeTo(name).append()
    elif actions:
        _merge(name, table, rows, bounds)


def _merge(name: str, table: Table, rows: DataFrame, bounds: Bounds) -> None:
    on = " AND ".join([*(f"t.{column} = s.{column}" for column in table.key), bounds.sql("t")])
    assignments = ", ".join(f"t.{column} = s.{column}" for column in table.column_names)
    columns = ", ".join(table.column_names)
    values = ", ".join(f"s.{column}" for column in table.column_names)
    view = f"changes_of_{table.name}"
    rows.createOrReplaceTempView(view)
    rows.sparkSession.sql(
        f"""
        MERGE INTO {name} t USING {view} s ON {on}
        WHEN MATCHED AND s.{ACTION} = '{DELETE}' THEN DELETE
        WHEN MATCHED AND s.{ACTION} IN ('{UPDATE}', '{TOUCH}') THEN UPDATE SET {assignments}
        WHEN NOT MATCHED AND s.{ACTION} = '{INSERT}' THEN INSERT ({columns}) VALUES ({values})
        """
    )
    rows.sparkSession.catalog.dropTempView(view)
