"""The catalogue: the run's staged products and categories -> processed.categories, processed.product_versions
(every version of a product) and processed.products (the newest), on the run's branch.

A category's path is built from its parents, in the tree as it is now; a category that changes takes the paths of
its descendants, their products and these products' versions with it. Read by the master merge, which gives sales
their category.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from shoplake.category_tree import Category, place
from shoplake.contracts import Contract, load_contract
from shoplake.spark.amounts import with_amounts
from shoplake.spark.catalogue import category_spans, id_before_last, path_names, recategorised
from shoplake.spark.conform import PROBLEMS
from shoplake.spark.intake import Intake, settle_ledger, take_in
from shoplake.spark.job import JobRun
from shoplake.spark.upsert import ACTION, Bounds, by_action, compare_rows, counts_of, write_changes
from shoplake.spark.winners import INSERT, OUTCOME, QUARANTINED, TOUCH, UPDATE, decide, row_hash
from shoplake.tables import Table

CATEGORIES, VERSIONS, PRODUCTS = "processed.categories", "processed.product_versions", "processed.products"
PLACES = "category_id string, category string, category_path string, depth int, is_in_cycle boolean, " \
         "is_parent_unknown boolean"  # fmt: skip
DECIDED = "_decided"


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


def with_places(categories: DataFrame) -> DataFrame:
    """Categories with their place in the tree that they make up together. Collects them: thousands, not millions."""
    stated = path_names(F.col("source_category_path")).alias("stated_path")
    rows = categories.select("category_id", "name", "parent_id", stated).collect()
    tree = {r["category_id"]: Category(r["name"], r["parent_id"], tuple(r["stated_path"] or ())) for r in rows}
    found = [
        (i, p.path[0], "/".join(p.path), len(p.path), p.is_in_cycle, p.is_parent_unknown)
        for i, p in place(tree).items()
    ]
    places = categories.sparkSession.createDataFrame(found, PLACES)
    return categories.join(places, on="category_id", how="inner")


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
    """Bring processed.categories up to date. The categories whose path is new or another; None where none is."""
    contract, table = load_contract("categories"), run.declared(CATEGORIES)
    intake = take_in(run, contract, judge_categories(run.conformed("categories"), contract))
    stored = run.table(CATEGORIES)
    decided, outcomes = _decide(run, intake, stored, table)
    settle_ledger(run, intake, outcomes)
    computed = with_places(_candidates(table, decided, stored, PLACES).persist()).persist()
    plan = _plan(run, CATEGORIES, computed, stored, Bounds.of(computed, ["category_id"]))
    before = stored.select("category_id", F.col("category_path").alias("_before"), F.col("category").alias("_top"))
    is_moved = ~F.col("_before").eqNullSafe(F.col("category_path")) | ~F.col("_top").eqNullSafe(F.col("category"))
    moved = plan.changed.join(before, on="category_id", how="left").where(is_moved).select("category_id")
    ids = [(row["category_id"],) for row in moved.collect()]
    _write(run, plan, plan.changed.select("category_id"))
    intake.rows.unpersist()
    return run.spark.createDataFrame(ids, "category_id string") if ids else None


def load_products(run: JobRun, moved: DataFrame | None) -> None:
    """Bring versions and products up to date: those of this run's files, and those of categories that moved."""
    contract, intake = load_contract("products"), None
    if run.summary["files"]["products"]:
        currency = run.lake.inventory.reporting_currency
        intake = take_in(run, contract, judge_products(run.conformed("products"), contract, currency))
    elif moved is None:
        return
    products = _plan_products(run, PRODUCTS, intake, moved)
    versions = _plan_products(run, VERSIONS, intake, moved)
    spans = spans_that_differ(run.table(VERSIONS), versions)
    touched = versions.changed.select("product_id").distinct().join(spans, on="product_id", how="left")
    _write(run, versions, touched)
    _write(run, products, products.changed.select("product_id"))
    if intake is not None:
        intake.rows.unpersist()


def _plan_products(run: JobRun, name: str, intake: Intake | None, moved: DataFrame | None) -> Plan:
    table, stored, own = run.declared(name), run.table(name), None
    again = None if moved is None else stored.join(F.broadcast(moved), on="category_id", how="left_semi")
    if intake is not None:
        bounds = Bounds.of(intake.valid, ["product_id"])
        decided, outcomes = _decide(run, intake, stored.where(bounds.condition()), table)
        if name == PRODUCTS:  # a file's row counts as applied where the newest version becomes another
            settle_ledger(run, intake, outcomes)
        own = decided
    candidates = _candidates(table, own, again, "category string, category_path string")
    computed = with_category(candidates, run.table(CATEGORIES)).persist()
    bounds = Bounds.of(computed, ["product_id"])
    return _plan(run, name, computed, stored.where(bounds.condition()), bounds)


def spans_that_differ(stored: DataFrame, plan: Plan) -> DataFrame:
    """From when to when the category of a product is another than before, for the products of a plan of versions."""
    changed = plan.changed.select("product_id", "valid_from", "category", "category_path")
    products = changed.select("product_id").distinct()
    before = (
        stored.where(plan.bounds.condition()).join(products, on="product_id", how="left_semi").select(*changed.columns)
    )
    kept = before.join(changed, on=["product_id", "valid_from"], how="left_anti")
    return recategorised(category_spans(before), category_spans(kept.unionByName(changed)))


def _decide(run: JobRun, intake: Intake, stored: DataFrame, table: Table) -> tuple[DataFrame, list[Row]]:
    """The valid rows with outcome and action, cached, and how many of each."""
    decided = decide(intake.valid, stored, list(table.key), run.run_id).persist()
    return decided, decided.groupBy("_file", OUTCOME).count().collect()


def _candidates(table: Table, decided: DataFrame | None, others: DataFrame | None, derived: str) -> DataFrame:
    """Rows that may change a table: the batch's winners, and stored rows that they don't replace. Without the
    columns that are derived anew, and with what was decided of each.
    """
    anew = {column.split()[0] for column in derived.split(", ")} - set(table.key)
    own = [name for name in table.column_names if name not in anew]
    frames = []
    if decided is not None:
        winners = decided.where(F.col(ACTION).isNotNull())
        frames.append(winners.select(*own, F.col(ACTION).alias(DECIDED)))
        if others is not None:
            others = others.join(winners.select(*table.key), on=list(table.key), how="left_anti")
    if others is not None:
        frames.append(others.select(*own, F.lit(None).cast("string").alias(DECIDED)))
    return frames[0] if len(frames) == 1 else frames[0].unionByName(frames[1])


def _plan(run: JobRun, name: str, computed: DataFrame, stored: DataFrame, bounds: Bounds) -> Plan:
    """Compare what was computed with what is stored. A touch stays one where nothing else changes."""
    compared = compare_rows(computed, stored, run.declared(name))
    action = F.coalesce(F.col(ACTION), F.when(F.col(DECIDED) == TOUCH, TOUCH))
    last_change = F.when(F.col(ACTION).isin(INSERT, UPDATE), F.lit(run.run_id)).otherwise(F.col("_run_id"))
    changes = compared.withColumn(ACTION, action).withColumn("_run_id", last_change).persist()
    return Plan(name, changes, by_action(changes.groupBy(ACTION).count().collect()), bounds)


def _write(run: JobRun, plan: Plan, touched: DataFrame) -> None:
    run.ledger.tables[plan.name] = counts_of(plan.counted)
    if any(run.ledger.tables[plan.name].values()):
        run.write_touched(plan.name, touched)
    write_changes(run.table_name(plan.name), run.declared(plan.name), plan.changes, plan.counted, plan.bounds)


if __name__ == "__main__":
    main()
