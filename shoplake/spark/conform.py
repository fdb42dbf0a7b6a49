"""From staged text to typed columns, by the contract and the file's source. Values are judged here, once."""

import re
from itertools import product

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from shoplake.contracts import Column, Contract, Source
from shoplake.spark.contacts import country_code, email_address, phone_number
from shoplake.spark.robots import with_robots

PROBLEMS = "_problems"
IS_ROBOT = "is_robot"
_INTEGER = r"^[+-]?\d+(\.0*)?$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_ZONE_LETTERS = re.compile(r"[XxZVzO]")
_QUOTED = re.compile(r"'[^']*'")
# Formats of our own beside Java's patterns: seconds (from 1973 on) and milliseconds (from 2001) since 1970.
_EPOCHS = {"epoch_s": (r"^\d{9,10}$", F.timestamp_seconds), "epoch_ms": (r"^\d{12,13}$", F.timestamp_millis)}


def staged_schema(contract: Contract) -> T.StructType:
    """What the validator stages: the record's line and text, and every column of the contract as a string."""
    return T.StructType(
        [
            T.StructField("_line", T.LongType()),
            T.StructField("_raw", T.StringType()),
            *(T.StructField(column.name, T.StringType()) for column in contract.columns),
        ]
    )


def conform(staged: DataFrame, contract: Contract, source: Source) -> DataFrame:
    """Typed columns under the contract's names, `source`, `_is_cancellation_by_number` (the source marks
    cancellations in the order's number, and this is one), `is_robot` where a column flags robots, and `_problems`:
    what is wrong with each row.

    For an e-mail address or telephone number also `_is_malformed_{column}`: there is a text and it is none, so that
    the value is null. For a column that may take the day of its file `_is_day_of_file_{column}`: the value is then
    midnight UTC of that day, whatever the source's time zone and formats.
    Takes the staged strings, `_arrived_at` and `_source_key`; every other column passes through. A row without
    problems satisfies the contract's row rules.
    """
    texts = {f"_text_{column.name}": _text(column, source) for column in contract.columns}
    texts |= {f"_given_{name}": F.col(name) for name in source.extract}
    of_file = [column for column in contract.columns if column.is_day_of_file_else]
    flags = {f"_is_day_of_file_{column.name}": texts[f"_text_{column.name}"].isNull() for column in of_file}
    texts |= {f"_text_{c.name}": F.coalesce(texts[f"_text_{c.name}"], _day_of_file()) for c in of_file}
    staged = staged.withColumns(texts | flags)
    found_elsewhere = {f"_text_{column.name}": _with_fallback(column) for column in contract.columns if column.fallback}
    if found_elsewhere:
        staged = staged.withColumns(found_elsewhere)
    for column in contract.columns:
        if column.flags_robots:
            staged = with_robots(staged, f"_text_{column.name}", IS_ROBOT)
    typed = staged.withColumns(
        {column.name: _typed(column, contract, source) for column in contract.columns}
        | {column.name: _typed_or_day_of_file(column, contract, source) for column in of_file}
        | {"source": F.lit(source.name), "_is_cancellation_by_number": _is_cancellation(source)}
    )
    checks = [check for column in contract.columns for check in _checks(column)]
    checks += [_no_match(contract.by_name[name]) for name in source.extract]
    if source.key == "line_number":
        checks.append(_problem("line_number", "missing", F.col("line_number").isNull()))
    if source.key == "id":
        keys = [column.name for column in contract.columns if column.is_key and not column.required]
        checks += [_problem(name, "missing", F.col(name).isNull()) for name in keys]
    problems = F.filter(F.array(*checks), lambda problem: problem.isNotNull())
    malformed = {
        f"_is_malformed_{column.name}": F.col(f"_text_{column.name}").isNotNull() & F.col(column.name).isNull()
        for column in contract.columns
        if column.normaliser in ("email", "phone")
    }
    return typed.withColumns({PROBLEMS: problems} | malformed).drop(*texts)


def _is_cancellation(source: Source) -> SparkColumn:
    if source.cancellation_pattern is None:
        return F.lit(False)
    return F.coalesce(F.col("_text_order_id").rlike(source.cancellation_pattern), F.lit(False))


def _text(column: Column, source: Source) -> SparkColumn:
    """The value as text: trimmed, empty as null, default, normaliser and the contract's words applied."""
    trimmed = F.trim(F.regexp_replace(F.col(column.name), "\u00a0", " "))
    if column.name in source.extract:
        trimmed = F.regexp_extract(trimmed, source.extract[column.name], 1)
    text = F.when(trimmed != "", trimmed)
    default = source.defaults.get(column.name, column.default)
    if default is not None:
        text = F.coalesce(text, F.lit(default))
    match column.normaliser:
        case "upper":
            text = F.upper(text)
        case "lower":
            text = F.lower(text)
        case "strip_decimal_zero":
            text = F.regexp_replace(text, r"^(\d+)\.0+$", "$1")
    if column.values:
        return _in_the_contracts_words(text, column)
    return text


def _day_of_file() -> SparkColumn:
    """The day that a file's key names (`date=`), else that of its arrival, as text."""
    named = F.to_date(F.regexp_extract("_source_key", r"/date=(\d{4}-\d{2}-\d{2})/", 1))
    return F.date_format(F.coalesce(named, F.to_date("_arrived_at")), "yyyy-MM-dd")


def _in_the_contracts_words(text: SparkColumn, column: Column) -> SparkColumn:
    """Sources' words for a value replaced by the contract's. Unknown words become what the contract says, or stay."""
    words = [(word.lower(), value) for value, synonyms in column.values.items() for word in (value, *synonyms)]
    mapping = F.create_map(*(F.lit(part) for pair in words for part in pair))
    unknown = text if column.unknown_as is None else F.when(text.isNotNull(), column.unknown_as)
    return F.coalesce(mapping[F.lower(text)], unknown)


def _with_fallback(column: Column) -> SparkColumn:
    """The column's text, else what the contract's other places for it hold."""
    found = [F.col(f"_text_{column.name}")]
    for other in column.fallback:
        text = F.col(f"_text_{other.column}")
        if other.pattern is not None:
            matched = F.regexp_extract(text, other.pattern, 1)
            text = F.when(matched != "", matched)
        found.append(text)
    return F.coalesce(*found)


def _typed(column: Column, contract: Contract, source: Source) -> SparkColumn:
    text = F.col(f"_text_{column.name}")
    match column.normaliser:
        case "email":
            return email_address(text)
        case "phone":
            country = F.col("_text_country") if "country" in contract.by_name else F.lit(None).cast("string")
            return phone_number(text, country_code(country, column.phone_regions, source.phone_region))
    match column.logical_type:
        case "string":
            return text
        case "integer":
            return F.when(text.rlike(_INTEGER), F.regexp_replace(text, r"\.0*$", "").cast(column.physical_type))
        case "number":
            return F.when(text.rlike(_NUMBER), text.cast(column.physical_type))
        case "timestamp":
            return _instant(text, source.timestamp_formats or column.timestamp_formats, source.time_zone)
        case "boolean":
            return F.lower(text).cast("boolean")
        case "date":
            return F.coalesce(*(F.to_date(text, f) for f in column.timestamp_formats))
    raise ValueError(f"column {column.name}: no conversion to {column.logical_type}")


def _typed_or_day_of_file(column: Column, contract: Contract, source: Source) -> SparkColumn:
    """A lent day is no text of the source, so the source's time zone and formats have no say in it."""
    day = F.col(f"_text_{column.name}").cast(column.physical_type)
    return F.when(F.col(f"_is_day_of_file_{column.name}"), day).otherwise(_typed(column, contract, source))


def _instant(text: SparkColumn, formats: tuple[str, ...], time_zone: str) -> SparkColumn:
    """A UTC instant. A text without an offset is local time of the source: where the clocks go back, the
    earlier offset; where they go forward, shifted forward (java.time's rule, which Spark follows).
    """
    readings = []
    for pattern in expand_optional(formats):
        if pattern in _EPOCHS:
            digits, to_instant = _EPOCHS[pattern]
            readings.append(to_instant(F.when(text.rlike(digits), text.cast("bigint"))))
            continue
        parsed = F.to_timestamp(text, pattern)
        has_offset = bool(_ZONE_LETTERS.search(_QUOTED.sub("", pattern)))
        readings.append(parsed if has_offset else F.to_utc_timestamp(parsed, time_zone))
    return F.coalesce(*readings)


def expand_optional(formats: tuple[str, ...]) -> list[str]:
    """Formats with every optional `[part]` written out, present first: each is with or without an offset."""
    expanded = []
    for pattern in formats:
        pieces = _OPTIONAL.split(pattern)
        optional = pieces[1::2]
        for choice in product((True, False), repeat=len(optional)):
            kept = [part if taken else "" for part, taken in zip(optional, choice, strict=True)]
            expanded.append("".join(a + b for a, b in zip(pieces[::2], [*kept, ""], strict=True)))
    return expanded


def _checks(column: Column) -> list[SparkColumn]:
    """A problem for each rule that the row breaks, null for each that it keeps."""
    text, value = F.col(f"_text_{column.name}"), F.col(column.name)
    checks = []
    if column.required:
        checks.append(_problem(column.name, "missing", text.isNull()))
    not_of_type = {"integer": "not_an_integer", "number": "not_a_number", "timestamp": "not_a_time",
                   "boolean": "not_a_boolean", "date": "not_a_date"}.get(column.logical_type)  # fmt: skip
    if not_of_type:
        checks.append(_problem(column.name, not_of_type, text.isNotNull() & value.isNull()))
    if column.minimum is not None:
        checks.append(_problem(column.name, "below_minimum", value < F.lit(column.minimum)))
    if column.maximum is not None:
        checks.append(_problem(column.name, "above_maximum", value > F.lit(column.maximum)))
    if column.pattern is not None:
        checks.append(_problem(column.name, "pattern", ~value.rlike(column.pattern)))
    if column.values:
        checks.append(_problem(column.name, "unknown_value", ~value.isin(*column.values)))
    if column.not_before is not None:
        earliest = F.timestamp_seconds(F.lit(int(column.not_before.timestamp())))
        checks.append(_problem(column.name, "before_earliest", value < earliest))
    if column.not_after_arrival is not None:
        seconds = int(column.not_after_arrival.total_seconds())
        latest = F.col("_arrived_at") + F.expr(f"interval {seconds} seconds")
        checks.append(_problem(column.name, "after_arrival", value > latest))
    return checks


def _no_match(column: Column) -> SparkColumn:
    """A value that the source's pattern finds nothing in."""
    given = F.trim(F.col(f"_given_{column.name}"))
    is_broken = (given != "") & F.col(f"_text_{column.name}").isNull()
    return _problem(column.name, "nothing_to_extract", is_broken, given)


def _problem(column: str, rule: str, is_broken: SparkColumn, text: SparkColumn | None = None) -> SparkColumn:
    """The problem as received: the value is the text of the file, cut to 200 characters."""
    value = F.substring(F.col(f"_text_{column}") if text is None else text, 1, 200)
    return F.when(is_broken, F.struct(F.lit(column).alias("column"), value.alias("value"), F.lit(rule).alias("rule")))
