"""Category paths as sources state them, and from when to when a product was in a category."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

# Before and after every order (contracts/transactions.odcs.yaml has none before 1970).
_EARLIEST, _LATEST = "1900-01-01 00:00:00", "9999-12-31 00:00:00"


def path_names(text: Column) -> Column:
    """The names of a stated path, an array: of names joined by /, of a JSON list of names or of objects with a name.

    Null where there is none.
    """
    steps = F.coalesce(_json_list(text), F.split(text, "/"))
    names = F.transform(steps, lambda s: F.trim(F.when(s.startswith("{"), F.get_json_object(s, "$.name")).otherwise(s)))
    known = F.filter(names, lambda name: name.isNotNull() & (name != ""))
    return F.when(F.size(known) > 0, known)


def id_before_last(text: Column) -> Column:
    """The id of the last but one object of a stated path (a JSON list): the parent of the category it ends with."""
    return F.get_json_object(F.element_at(_json_list(text), -2), "$.id")


def _json_list(text: Column) -> Column:
    """The elements of a JSON list as text, null where the text is no such list."""
    return F.when(text.startswith("["), F.from_json(text, "array<string>"))


def periods(versions: DataFrame, columns: list[str]) -> DataFrame:
    """From when to when each product had the same values in some columns. Versions whose values equal those of the
    one before them make no period of their own.

    Takes versions unique by (`product_id`, `valid_from`). Gives `product_id`, the columns, `valid_from`, `valid_to`
    (exclusive, null for the last) and `is_first`.
    """
    in_order = Window.partitionBy("product_id").orderBy("valid_from")
    content = F.struct(*columns)
    begins = F.lag(content).over(in_order).isNull() | ~F.lag(content).over(in_order).eqNullSafe(content)
    changes = versions.select("product_id", "valid_from", *columns, begins.alias("_begins")).where("_begins")
    return changes.select(
        "product_id",
        *columns,
        "valid_from",
        F.lead("valid_from").over(in_order).alias("valid_to"),
        (F.row_number().over(in_order) == 1).alias("is_first"),
    )


def category_spans(versions: DataFrame) -> DataFrame:
    """In which category an order at any instant finds a product: `product_id`, `category`, `category_path`,
    `from_at`, `until_at` (exclusive). The first known category holds for earlier orders too.
    """
    found = periods(versions, ["category", "category_path"])
    return found.select(
        "product_id",
        "category",
        "category_path",
        F.when(F.col("is_first"), F.lit(_EARLIEST).cast("timestamp")).otherwise(F.col("valid_from")).alias("from_at"),
        F.coalesce("valid_to", F.lit(_LATEST).cast("timestamp")).alias("until_at"),
    )


def is_within(at: Column) -> Column:
    """Whether an instant lies in the span of a row with `from_at` and `until_at` (exclusive)."""
    return (at >= F.col("from_at")) & (at < F.col("until_at"))


def recategorised(before: DataFrame, after: DataFrame) -> DataFrame:
    """Where the category that an order finds differs between two states of `category_spans`: `product_id`,
    `from_at`, `until_at`. `after` has every product of `before`.
    """
    old, new = before.alias("old"), after.alias("new")
    meets = (
        (F.col("old.product_id") == F.col("new.product_id"))
        & (F.col("old.from_at") < F.col("new.until_at"))
        & (F.col("new.from_at") < F.col("old.until_at"))
    )
    is_same = F.col("old.category").eqNullSafe(F.col("new.category")) & F.col("old.category_path").eqNullSafe(
        F.col("new.category_path")
    )
    return (
        new.join(old, on=meets, how="left")
        .where(~is_same)
        .select(
            "new.product_id",
            F.greatest("old.from_at", "new.from_at").alias("from_at"),
            F.least("old.until_at", "new.until_at").alias("until_at"),
        )
    )
