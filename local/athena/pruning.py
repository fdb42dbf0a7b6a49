"""What a query can leave out of a table: files by Iceberg's statistics, partitions by their values."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation

import duckdb
from pyiceberg import types
from pyiceberg.expressions import (
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThan,
    LessThanOrEqual,
)
from pyiceberg.schema import Schema
from sqlglot import exp

COMPARISONS = {
    exp.EQ: EqualTo,
    exp.GT: GreaterThan,
    exp.GTE: GreaterThanOrEqual,
    exp.LT: LessThan,
    exp.LTE: LessThanOrEqual,
}
MIRRORED = {exp.EQ: exp.EQ, exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE}


def row_filter(table: exp.Table, schema: Schema) -> BooleanExpression:
    """The conditions on `table` alone that its SELECT's WHERE joins by AND, for pyiceberg to plan with.

    Only conditions that no NULL passes are taken, so it holds for outer joins too; DuckDB applies the
    whole WHERE again.
    """
    condition: BooleanExpression = AlwaysTrue()
    for part in _conjuncts(table):
        expression = _expression(part, table, schema)
        if expression is not None:
            condition = And(condition, expression)
    return condition


def partitions(
    connection: duckdb.DuckDBPyConnection,
    table: exp.Table,
    keys: list[tuple[str, str]],
    values: list[tuple[str | None, ...]],
) -> list[int]:
    """Which of a raw table's partitions (`values`, as text, of `keys` with DuckDB types) the query may have rows of.

    Every condition on partition keys alone counts, whatever its form, but for those that a NULL passes: after an
    outer join they say something else.
    """
    names = [name.lower() for name, _ in keys]
    cells = [f"CAST({_literal(value)} AS {kind})" for row in values for value, (_, kind) in zip(row, keys, strict=True)]
    rows = [", ".join(cells[at : at + len(keys)]) for at in range(0, len(cells), len(keys))]
    kept = set(range(len(values)))
    for condition in _conjuncts(table):
        if not kept or not _is_on_keys_alone(condition, table, names):
            continue
        plain = condition.copy()
        for column in plain.find_all(exp.Column):
            column.set("table", None)
            column.set("db", None)
        test = plain.sql(dialect="duckdb")
        columns = ", ".join('"' + name.replace('"', '""') + '"' for name in ("n", *names))
        listed = ", ".join(f"({n}, {rows[n]})" if n >= 0 else f"(-1, {_nulls(keys)})" for n in (-1, *sorted(kept)))
        found = connection.execute(f"SELECT n FROM (VALUES {listed}) AS p({columns}) WHERE {test}").fetchall()
        passing = {n for (n,) in found}
        if -1 not in passing:
            kept &= passing
    return sorted(kept)


def _nulls(keys: list[tuple[str, str]]) -> str:
    return ", ".join(f"CAST(NULL AS {kind})" for _, kind in keys)


def _literal(value: str | None) -> str:
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def _is_on_keys_alone(condition: exp.Expression, table: exp.Table, names: list[str]) -> bool:
    columns = list(condition.find_all(exp.Column))
    own = all(column.name.lower() in names and _is_of(column, table) for column in columns)
    return bool(columns) and own and condition.find(exp.Query, exp.AggFunc, exp.Window) is None


def _is_of(column: exp.Column, table: exp.Table) -> bool:
    """Whether a column can't be another table's."""
    if column.table:
        return column.table.lower() == table.alias_or_name.lower()
    return not table.parent.parent.args.get("joins")


def _conjuncts(table: exp.Table) -> Iterator[exp.Expression]:
    source = table.parent
    select = source.parent if isinstance(source, exp.From | exp.Join) else None
    where = select.args.get("where") if isinstance(select, exp.Select) else None
    if where is None:
        return
    pending = [where.this]
    while pending:
        part = pending.pop().unnest()
        if isinstance(part, exp.And):
            pending += [part.left, part.right]
        else:
            yield part


def _expression(condition: exp.Expression, table: exp.Table, schema: Schema) -> BooleanExpression | None:
    if isinstance(condition, exp.Between):
        bounds = (
            exp.GTE(this=condition.this, expression=condition.args["low"]),
            exp.LTE(this=condition.this, expression=condition.args["high"]),
        )
        low, high = (_expression(bound, table, schema) for bound in bounds)
        return And(low, high) if low is not None and high is not None else None
    if isinstance(condition, exp.In) and condition.expressions:
        field = _field(condition.this, table, schema)
        values = [_value(item, field) for item in condition.expressions] if field else [None]
        return In(field.name, values) if None not in values else None
    kind = type(condition)
    if kind not in COMPARISONS:
        return None
    column, literal = condition.left, condition.right
    if not isinstance(column, exp.Column):
        column, literal, kind = literal, column, MIRRORED[kind]
    field = _field(column, table, schema)
    value = _value(literal, field) if field else None
    return COMPARISONS[kind](field.name, value) if value is not None else None


def _field(column: exp.Expression, table: exp.Table, schema: Schema) -> types.NestedField | None:
    """The table's column, when `column` can't be another table's."""
    if not isinstance(column, exp.Column):
        return None
    if not _is_of(column, table):
        return None
    return next((field for field in schema.fields if field.name.lower() == column.name.lower()), None)


def _value(node: exp.Expression, field: types.NestedField):
    """A literal as the field's Python value; None when it isn't one, or doesn't fit exactly."""
    if isinstance(node, exp.Cast):
        node = node.this
    sign = ""
    if isinstance(node, exp.Neg):
        node, sign = node.this, "-"
    if not isinstance(node, exp.Literal):
        return None
    text = sign + node.name
    try:
        match field.field_type:
            case types.StringType():
                return text if node.is_string else None
            case types.IntegerType() | types.LongType():
                return int(text)
            case types.DoubleType() | types.FloatType():
                return float(text)
            case types.DecimalType(scale=scale):
                rounded = Decimal(text).quantize(Decimal(1).scaleb(-scale))
                return rounded if rounded == Decimal(text) else None
            case types.DateType():
                return date.fromisoformat(text)
            case types.TimestampType() | types.TimestamptzType():
                return _instant(text)
    except (ValueError, InvalidOperation):
        return None
    return None


def _instant(text: str) -> datetime:
    """A timestamp literal in UTC, which is the session's zone, without saying so."""
    if len(text) == len("2010-12-01"):
        return datetime.combine(date.fromisoformat(text), time())
    instant = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant
