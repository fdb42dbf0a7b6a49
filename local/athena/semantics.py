"""Where Trino and DuckDB compute otherwise: arithmetic, averages and rounding of decimals and integers, cut dates.

Trino's rules: https://trino.io/docs/current/functions/decimal.html. DuckDB divides decimals and integers
as doubles, and makes a date that is cut to its month a timestamp; the results are cast to the type that Trino gives.
"""

from sqlglot import exp
from sqlglot.dialects import Trino
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import TypeAnnotator, annotate_types
from sqlglot.optimizer.qualify import qualify

MAX_PRECISION = 38
INTEGER_PRECISION = {"TINYINT": 3, "SMALLINT": 5, "INT": 10, "BIGINT": 19}
UNNAMED = "__unnamed_"
DECIMAL_OPERATIONS = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Avg, exp.Round)


def name_unnamed_columns(query: exp.Query) -> None:
    """Give result columns without a name one that `result_name` knows."""
    select = query
    while isinstance(select, exp.SetOperation | exp.Subquery):
        select = select.this
    if not isinstance(select, exp.Select):
        return
    for index, column in enumerate(select.expressions):
        if not (column.is_star or isinstance(column, exp.Column | exp.Alias | exp.Dot)):
            column.replace(exp.alias_(column.copy(), f"{UNNAMED}{index}"))


def result_name(name: str, index: int) -> str:
    """A result column's name; Athena calls the unnamed one at place `index` `_col{index}`."""
    return f"_col{index}" if name.startswith(UNNAMED) else name


def as_trino_computes(query: exp.Query, schema: dict[str, dict[str, exp.DataType]]) -> exp.Query:
    """The query, with casts where DuckDB's result would have another type than Trino's.

    `schema` holds the types of each table's columns. A query too unusual to be typed is left as it
    is: then a quotient of decimals comes out as a double.
    """
    try:
        typed = qualify(
            query.copy(),
            schema=schema,
            dialect="trino",
            quote_identifiers=False,
            validate_qualify_columns=False,
        )
        typed = annotate_types(typed, schema=schema, dialect="trino", expression_metadata=_METADATA)
    except SqlglotError:
        return query
    return typed.transform(_cast, copy=False)


def _cast(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Div) and node.is_type(*exp.DataType.INTEGER_TYPES):
        return exp.IntDiv(this=exp.paren(node.left.copy()), expression=exp.paren(node.right.copy()))
    if isinstance(node, exp.DateTrunc | exp.TimestampTrunc) and node.this.is_type("DATE"):
        return exp.Cast(this=node.copy(), to=exp.DataType.build("DATE"))
    if isinstance(node, DECIMAL_OPERATIONS) and _decimal(node.type):
        return exp.Cast(this=node.copy(), to=node.type.copy())
    return node


def _decimal(kind: exp.DataType | None) -> tuple[int, int] | None:
    """Precision and scale of a decimal; None for another type."""
    if kind is None or not kind.is_type(exp.DataType.Type.DECIMAL) or not kind.expressions:
        return None
    precision, *scale = (int(part.name) for part in kind.expressions)
    return precision, scale[0] if scale else 0


def _as_decimal(node: exp.Expression) -> tuple[int, int] | None:
    """Precision and scale that a number has in arithmetic with decimals; None when it is no exact number."""
    if isinstance(node, exp.Literal) and not node.is_string and "." in node.name:
        whole, _, fraction = node.name.partition(".")
        return len(whole.lstrip("0")) + len(fraction), len(fraction)
    if node.type is not None and node.type.this.value in INTEGER_PRECISION:
        return INTEGER_PRECISION[node.type.this.value], 0
    return _decimal(node.type)


def _is_decimal(node: exp.Expression) -> bool:
    """Whether a number is a decimal for Trino, as 1.5 is too."""
    return bool(_decimal(node.type)) or (isinstance(node, exp.Literal) and not node.is_string and "." in node.name)


def _decimal_type(precision: int, scale: int) -> exp.DataType:
    return exp.DataType.build(f"DECIMAL({min(precision, MAX_PRECISION)}, {scale})")


def _arithmetic(annotator: TypeAnnotator, node: exp.Binary) -> exp.Binary:
    """Trino's type of a sum, difference, product or quotient in which a decimal takes part."""
    left, right = node.left.unnest(), node.right.unnest()
    exact = _as_decimal(left), _as_decimal(right)
    if None in exact or not (_is_decimal(left) or _is_decimal(right)):
        return annotator._annotate_div(node) if isinstance(node, exp.Div) else annotator._annotate_binary(node)
    (p1, s1), (p2, s2) = exact
    if isinstance(node, exp.Div):
        precision, scale = p1 + s2 + max(0, s2 - s1), max(s1, s2)
    elif isinstance(node, exp.Mul):
        precision, scale = p1 + p2, s1 + s2
    else:
        scale = max(s1, s2)
        precision = max(p1 - s1, p2 - s2) + scale + 1
    annotator._set_type(node, _decimal_type(precision, scale))
    return node


def _average(annotator: TypeAnnotator, node: exp.Avg) -> exp.Avg:
    decimal = _decimal(node.this.type)
    annotator._set_type(node, _decimal_type(*decimal) if decimal else exp.DataType.Type.DOUBLE)
    return node


def _sum(annotator: TypeAnnotator, node: exp.Sum) -> exp.Sum:
    decimal = _decimal(node.this.type)
    if decimal:
        annotator._set_type(node, _decimal_type(MAX_PRECISION, decimal[1]))
    elif node.this.is_type(*exp.DataType.INTEGER_TYPES):
        annotator._set_type(node, exp.DataType.Type.BIGINT)
    else:
        annotator._set_type(node, node.this.type)
    return node


def _round(annotator: TypeAnnotator, node: exp.Round) -> exp.Round:
    decimal = _decimal(node.this.type)
    if decimal and node.args.get("decimals"):
        annotator._set_type(node, _decimal_type(decimal[0] + 1, decimal[1]))
    elif decimal:
        annotator._set_type(node, _decimal_type(decimal[0] - decimal[1] + 1, 0))
    else:
        annotator._set_type(node, node.this.type)
    return node


_METADATA = {
    **Trino.EXPRESSION_METADATA,
    exp.Add: {"annotator": _arithmetic},
    exp.Sub: {"annotator": _arithmetic},
    exp.Mul: {"annotator": _arithmetic},
    exp.Div: {"annotator": _arithmetic},
    exp.Avg: {"annotator": _average},
    exp.Sum: {"annotator": _sum},
    exp.Round: {"annotator": _round},
}
