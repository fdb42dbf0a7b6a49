"""The catalogue: the run's staged products and categories -> processed.categories, processed.product_versions
(every version of a product) and processed.products (the newest), on the run's branch.

A category's path is built from its parents, in the tree as it is now; a category that changes takes the paths of
its descendants, their products and these products' versions with it. Read by the master merge, which gives sales
their category.
"""

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from shoplake.category_tree import Category, Place, place
from shoplake.contracts import Contract, load_contract
from shoplake.spark.amounts import with_amounts
from shoplake.spark.catalogue import category_spans, id_before_last, path_names, recategorised
from shoplake.spark.conform import PROBLEMS
from shoplake.spark.intake import Intake, by_outcome, settle_ledger, take_in
from shoplake.spark.job import JobRun
from shoplake.spark.upsert import ACTION, Bounds, by_action, content_of, counts_of, ends, write_changes
from shoplake.spark.winners import INSERT, OUTCOME, QUARANTINED, TOUCH, UPDATE, decide, row_hash
from shoplake.tables import Table

CATEGORIES, VERSIONS, PRODUCTS = "processed.categories", "processed.product_versions", "processed.products"
PLACES = [("category_id", "string"), ("category", "string"), ("category_path", "string"), ("depth", "int"),
          ("is_in_cycle", "boolean"), ("is_parent_unknown", "boolean")]  # fmt: skip
BOUNDED = ["product_id"]
HELD = "_held_content"
AGAIN = "again"  # a stored row of a category that moved: an update if its path comes out different


def judge_categories(conformed: DataFrame, contract: Contract) -> DataFrame:
    """Staged categories with hash and outcome. A stated path of objects tells the parent where no column does."""
    parent = F.coalesce("parent_id", id_before_last(F.col("source_category_path")))
    return _with_outcome(conformed.withColumn("parent_id", parent), contract)


def judge_products(conformed: DataFrame, contract: Contract, currency: str) -> DataFrame:
    """Staged products with metrics, hash, outcome and the instant from which each version holds.

    Amounts stay in the product's own currency, the lake's where the file is silent.
    """
    priced = with_amounts(
        conformed.withColumn("currency", F.coalesce("currency", F.lit(currency))),
        {
            "stock_value": F.col("stock_quantity") * F.col("cost"),
            "margin": F.col("price") - F.col("cost"),
        },
    )
    measured = priced.withColumns(
        {
            "margin_rate": F.when(F.col("price") > 0, F.col("margin").cast("double") / F.col("price").cast("double")),
            "is_low_stock": F.col("stock_quantity") <= F.col("reorder_level"),
            "is_out_of_stock": F.col("stock_quantity") <= 0,
            "valid_from": F.coalesce("updated_at", "_arrived_at"),
        }
    )
    return _with_outcome(measured, contract)


def _with_outcome(rows: DataFrame, contract: Contract) -> DataFrame:
    return rows.withColumns(
        {
            "_row_hash": row_hash([column.name for column in contract.columns]),
            OUTCOME: F.when(F.size(PROBLEMS) > 0, QUARANTINED),
        }
    )


def stored_form(place: Place) -> tuple[str, str, int, bool, bool]:
    """A category's place as processed.categories has it: the columns of `PLACES` after the id."""
    return place.path[0], "/".join(place.path), len(place.path), place.is_in_cycle, place.is_parent_unknown


def with_category(products: DataFrame, categories: DataFrame) -> DataFrame:
    """Products or versions with their category's path; where the category isn't known, the one that the source
    states, if any.
    """
    known = categories.select(
        "category_id", F.col("category").alias("_category"), F.col("category_path").alias("_category_path")
    )
    stated = path_names(F.coalesce("source_category_path", "category_id"))
    return (
        products.join(F.broadcast(known), on="category_id", how="left")
        .withColumns(
            {
                "category": F.coalesce("_category", F.element_at(stated, 1)),
                "category_path": F.coalesce("_category_path", F.array_join(stated, "/")),
            }
        )
        .drop("_category", "_category_path")
    )


@dataclass(frozen=True)
class Plan:
    """What is to be done to a table: rows with `_action` (cached), how many of each, and where they are."""

    name: str
    changes: DataFrame
    counted: dict[str | None, int]
    bounds: Bounds

    @property
    def is_seen(self) -> bool:
        """Whether a reader will see any change."""
        return any(counts_of(self.counted).values())

    @property
    def changed(self) -> DataFrame:
        """Rows that a reader will see change."""
        return self.changes.where(F.col(ACTION).isin(INSERT, UPDATE))


def main() -> None:
    """Categories first: products take their paths from them."""
    run = JobRun.from_argv("product_enrichment", writes=(CATEGORIES, VERSIONS, PRODUCTS))
    moved = load_categories(run) if run.summary["files"]["categories"] else None
    load_products(run, moved)
    run.finish()


def load_categories(run: JobRun) -> DataFrame | None:
    """Bring processed.categories up to date. The categories whose path is new or another; None where none is.

    Collects the tree: a shop has thousands of categories, not millions.
    """
    contract, table = load_contract("categories"), run.declared(CATEGORIES)
    intake = take_in(run, contract, judge_categories(run.conformed("categories"), contract), bounded=[])
    stored = run.table(CATEGORIES)
    decided = decide(intake.valid, stored, list(table.key), run.run_id, carry={HELD: content_of(table)}).persist()
    settle_ledger(run, intake, by_outcome(decided.groupBy("_file", OUTCOME).count().collect()))
    node = ("category_id", "name", "parent_id", path_names(F.col("source_category_path")).alias("stated_path"))
    winners = decided.where(F.col(ACTION).isNotNull()).select(ACTION, *node).collect()
    old = stored.select(*node, *(name for name, _ in PLACES[1:])).collect()

    tree = {row["category_id"]: _category(row) for row in old + winners}
    places = {category_id: stored_form(found) for category_id, found in place(tree).items()}
    before = {row["category_id"]: tuple(row[name] for name, _ in PLACES[1:]) for row in old}
    actions = {row["category_id"]: row[ACTION] for row in winners}
    actions |= {category_id: UPDATE for category_id, stood in before.items() if stood != places[category_id]}
    moved = [(i,) for i in actions if i not in before or before[i][:2] != places[i][:2]]  # another path, or a new one
    if actions:
        found = [(category_id, *places[category_id], action) for category_id, action in actions.items()]
        changes = _with_places(run, table, decided, stored, found)
        counted = by_action(changes.groupBy(ACTION).count().collect())
        plan = Plan(CATEGORIES, changes, counted, Bounds.of_values("category_id", actions))
        _write(run, plan, plan.changed.select("category_id"))
    else:
        run.ledger.tables[CATEGORIES] = counts_of({})
    intake.rows.unpersist()
    return run.spark.createDataFrame(moved, "category_id string") if moved else None


def _category(row: Row) -> Category:
    return Category(row["name"], row["parent_id"], tuple(row["stated_path"] or ()))


def _with_places(run: JobRun, table: Table, decided: DataFrame, stored: DataFrame, found: list[tuple]) -> DataFrame:
    """The rows that change, cached: the batch's winners and stored rows that are elsewhere now, with place and action.
    `found` has the columns of `PLACES` and `_action`. A touch of what a reader sees is an update.
    """
    own = [name for name in table.column_names if name not in dict(PLACES[1:])]
    winners = decided.where(F.col(ACTION).isNotNull()).select(*own, HELD)
    others = stored.join(winners.select(*table.key), on=list(table.key), how="left_anti")
    others = others.select(*own, F.lit(None).cast("string").alias(HELD))
    schema = ", ".join(f"{name} {kind}" for name, kind in [*PLACES, (ACTION, "string")])
    placed = run.spark.createDataFrame(found, schema)
    changes = winners.unionByName(others).join(F.broadcast(placed), on="category_id", how="inner")
    is_seen = (F.col(ACTION) == TOUCH) & (content_of(table) != F.col(HELD))
    action = F.when(is_seen, UPDATE).otherwise(F.col(ACTION))
    return changes.withColumn(ACTION, action).withColumn("_run_id", _run_of_last_change(run)).persist()


def load_products(run: JobRun, moved: DataFrame | None) -> None:
    """Bring versions and products up to date: those of this run's files, and those of categories that moved."""
    contract, intake = load_contract("products"), None
    if run.summary["files"]["products"]:
        currency = run.lake.inventory.reporting_currency
        judged = judge_products(run.conformed("products"), contract, currency)
        intake = take_in(run, contract, judged, BOUNDED)
    elif moved is None:
        return
    products = plan_products(run, PRODUCTS, intake, moved)
    versions = plan_products(run, VERSIONS, intake, moved)
    touched = None
    if versions.is_seen:
        spans = spans_that_differ(run.table(VERSIONS), versions)
        touched = versions.changed.select("product_id").distinct().join(spans, on="product_id", how="left")
    _write(run, versions, touched)
    _write(run, products, products.changed.select("product_id"))
    if intake is not None:
        intake.rows.unpersist()


def plan_products(run: JobRun, name: str, intake: Intake | None, moved: DataFrame | None) -> Plan:
    """What the batch's rows and the categories that moved do to the table of products or of their versions.

    A file's row counts as applied where the newest version, in processed.products, becomes another.
    """
    table, stored = run.declared(name), run.table(name)
    key, content = list(table.key), content_of(table)
    own = [column for column in table.column_names if column not in ("category", "category_path")]
    frames = []
    if intake is not None:
        near = stored.where(intake.bounds(BOUNDED).condition())
        decided = decide(intake.valid, near, key, run.run_id, carry={HELD: content})
        frames.append(decided.select(*own, "_file", OUTCOME, ACTION, HELD))
    if moved is not None:
        again = stored.join(F.broadcast(moved), on="category_id", how="left_semi")
        if frames:
            again = again.join(frames[0].where(F.col(ACTION).isNotNull()).select(*key), on=key, how="left_anti")
        of_no_file = [F.lit(None).cast("int").alias("_file"), F.lit(None).cast("string").alias(OUTCOME)]
        frames.append(again.select(*own, *of_no_file, F.lit(AGAIN).alias(ACTION), content.alias(HELD)))
    computed = with_category(reduce(DataFrame.unionByName, frames), run.table(CATEGORIES))
    is_other = F.col(ACTION).isin(UPDATE, TOUCH, AGAIN) & (content != F.col(HELD))
    action = F.when(is_other, UPDATE).when(F.col(ACTION).isin(INSERT, TOUCH), F.col(ACTION))
    changes = computed.withColumn(ACTION, action).withColumn("_run_id", _run_of_last_change(run)).persist()
    groups = changes.groupBy("_file", OUTCOME, ACTION).agg(F.count("*").alias("count"), *ends(BOUNDED)).collect()
    if intake is not None and name == PRODUCTS:
        settle_ledger(run, intake, by_outcome(group for group in groups if group["_file"] is not None))
    bounds = Bounds.of_groups((group for group in groups if group[ACTION]), changes.schema, BOUNDED)
    return Plan(name, changes, by_action(groups), bounds)


def _run_of_last_change(run: JobRun) -> Column:
    """`_run_id` after a run: this one where a reader sees a change, else as it was."""
    return F.when(F.col(ACTION).isin(INSERT, UPDATE), F.lit(run.run_id)).otherwise(F.col("_run_id"))


def spans_that_differ(stored: DataFrame, plan: Plan) -> DataFrame:
    """From when to when the category of a product is another than before, for the products of a plan of versions."""
    changed = plan.changed.select("product_id", "valid_from", "category", "category_path")
    products = changed.select("product_id").distinct()
    before = (
        stored.where(plan.bounds.condition()).join(products, on="product_id", how="left_semi").select(*changed.columns)
    )
    kept = before.join(changed, on=["product_id", "valid_from"], how="left_anti")
    return recategorised(category_spans(before), category_spans(kept.unionByName(changed)))


def _write(run: JobRun, plan: Plan, touched: DataFrame | None) -> None:
    """Apply a plan. `touched`: what later jobs read of its changes, where a reader sees any."""
    run.ledger.tables[plan.name] = counts_of(plan.counted)
    if plan.is_seen:
        run.write_touched(plan.name, touched)
    write_changes(run.table_name(plan.name), run.declared(plan.name), plan.changes, plan.counted, plan.bounds)


if __name__ == "__main__":
    main()
