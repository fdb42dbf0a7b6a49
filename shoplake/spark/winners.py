"""Which version of a row wins: one rule for every dataset.

recency = (updated_at where the source has it else arrived_at, arrived_at, object key, line, row hash), compared
in that order. It is a total order over rows of object versions, so the winner is the same in whatever order
and grouping the files are processed. Rows keyed by their content have no versions: the same row of two sources is
the one's whose name comes first in the alphabet, whichever came first.
"""

from collections.abc import Iterable, Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

OUTCOME = "_outcome"
APPLIED, UNCHANGED, SUPERSEDED = "applied", "unchanged", "superseded"
QUARANTINED, DUPLICATE = "quarantined", "duplicate"
EXACT = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"}  # JSON's instants end at milliseconds by themselves
INSERT, UPDATE, TOUCH, DELETE = "insert", "update", "touch", "delete"


def row_hash(business_columns: list[str]) -> Column:
    """SHA-256 over the business columns, by name. Nulls are left out, so a new column leaves old hashes be."""
    return F.sha2(F.to_json(F.struct(*sorted(business_columns)), EXACT), 256)


def recency(prefix: str = "") -> Column:
    """The recency of a row as a struct, which Spark compares field by field.

    Takes `updated_at`, `_arrived_at`, `_source_key`, `_source_line` and `_row_hash`, each behind the prefix.
    """
    arrived = F.col(f"{prefix}_arrived_at")
    return F.struct(
        F.coalesce(F.col(f"{prefix}updated_at"), arrived).alias("at"),
        arrived.alias("arrived_at"),
        F.col(f"{prefix}_source_key").alias("key"),
        F.col(f"{prefix}_source_line").alias("line"),
        F.col(f"{prefix}_row_hash").alias("hash"),
    )


def _place(prefix: str = "") -> Column:
    """The place of a row keyed by its content among those with its key; the first one stays."""
    return F.struct(F.col(f"{prefix}source").alias("source"), F.col(f"{prefix}_row_hash").alias("hash"))


def pick_winners(rows: DataFrame, key: list[str]) -> DataFrame:
    """The outcome of every valid row within the batch; null for the one winner of each key.

    A row that repeats its winner's content is unchanged when it stands in another file and a duplicate when it
    stands in the same one; a row with other content is superseded.
    """
    place = F.when(F.col("_is_keyed_by_content"), _place())
    newest_first = Window.partitionBy(*key).orderBy(place.asc(), recency().desc())
    ranked = rows.withColumns(
        {
            "_rank": F.row_number().over(newest_first),
            "_winner_hash": F.first("_row_hash").over(newest_first),
            "_winner_file": F.first("_file").over(newest_first),
        }
    )
    is_repeat = F.col("_row_hash") == F.col("_winner_hash")
    is_same_file = F.col("_file") == F.col("_winner_file")
    outcome = (
        F.when(F.col("_rank") == 1, F.lit(None).cast("string"))
        .when(is_repeat & is_same_file, F.lit(DUPLICATE))
        .when(is_repeat, F.lit(UNCHANGED))
        .otherwise(F.lit(SUPERSEDED))
    )
    return ranked.withColumn(OUTCOME, outcome).drop("_rank", "_winner_hash", "_winner_file")


def compare_with_stored(ranked: DataFrame, stored: DataFrame, key: list[str], carry: Mapping[str, Column]) -> DataFrame:
    """The outcome of each of the batch's winners, and what it does to the table: `_action` insert, update or
    touch, or null for nothing. Rows that have an outcome already keep it and do nothing.

    `stored` is the table's current rows, of which the key, `source`, `updated_at` and the technical columns are read,
    and what is to be carried to the rows that have the same key, by its name there.
    A touch moves a row's recency and nothing else: the same content came again later, and a version between
    the two that comes late must still lose (docs/decisions/0003).
    """
    names = [*key, "source", "updated_at", "_arrived_at", "_source_key", "_source_line", "_row_hash", "_run_id"]
    held = stored.select(
        *(F.col(name).alias(f"_held_{name}") for name in names), *(value.alias(name) for name, value in carry.items())
    )
    is_winner = F.col(OUTCOME).isNull()
    on = [is_winner, *(F.col(name) == F.col(f"_held_{name}") for name in key)]
    joined = ranked.join(held, on=on, how="left")
    is_new = F.col(f"_held_{key[0]}").isNull()
    is_ahead = _place() < _place("_held_")
    is_newer = F.when(F.col("_is_keyed_by_content"), is_ahead).otherwise(recency() > recency("_held_"))
    is_equal = F.col("_row_hash") == F.col("_held__row_hash")
    is_change = is_newer & (~is_equal | (F.col("source") != F.col("_held_source")))
    action = F.when(is_new, INSERT).when(is_change, UPDATE).when(is_newer, TOUCH)
    outcome = F.when(is_new | is_change, APPLIED).when(is_equal, UNCHANGED).otherwise(SUPERSEDED)
    return joined.withColumns({"_action": F.when(is_winner, action), OUTCOME: F.coalesce(OUTCOME, outcome)})


def decide(
    rows: DataFrame, stored: DataFrame, key: list[str], run_id: str, carry: Mapping[str, Column] | None = None
) -> DataFrame:
    """Every valid row with its outcome, what the winners do to the table (`_action`), and the run of the row's
    last change: a touch leaves it as it was. `carry`: what else of the stored rows to bring along.
    """
    compared = compare_with_stored(pick_winners(rows, key), stored, key, carry or {})
    run = F.when(F.col("_action") == TOUCH, F.col("_held__run_id")).otherwise(F.lit(run_id))
    return compared.withColumn("_run_id", run)


def as_before(columns: Iterable[str]) -> dict[str, Column]:
    """What `decide` is to carry of stored rows so that `touched_rows` can tell what changed rows were before."""
    return {f"_before_{name}": F.col(name) for name in columns}


def touched_rows(decided: DataFrame, columns: list[str]) -> DataFrame:
    """These columns of the rows that change, for later jobs: as each row is now, and as it was (`is_before`) where one
    of them was another.
    """
    changed = decided.where(F.col("_action").isin(INSERT, UPDATE))
    before = [F.col(f"_before_{name}").alias(name) for name in columns]
    is_other = (F.col("_action") == UPDATE) & ~F.struct(*columns).eqNullSafe(F.struct(*before))
    now = changed.select(*columns, F.lit(False).alias("is_before"))
    return now.union(changed.where(is_other).select(*before, F.lit(True)))
