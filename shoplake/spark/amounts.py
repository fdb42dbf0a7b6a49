"""Amounts of money made from others: decimal(18,4), and a problem where one doesn't fit."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from shoplake.spark.conform import PROBLEMS

MONEY = "decimal(18,4)"


def with_amounts(rows: DataFrame, amounts: dict[str, Column]) -> DataFrame:
    """The rows with these amounts as columns of decimal(18,4). A row of which one doesn't fit has a problem: the
    first such amount. An amount may be made of those before it.
    """
    for name, exact in amounts.items():
        # An amount is null where it doesn't fit, and then so are those made of it.
        rows = rows.withColumn(f"_exact_{name}", exact).withColumn(name, F.col(f"_exact_{name}").cast(MONEY))
    too_large = [
        F.when(
            F.col(f"_exact_{name}").isNotNull() & F.col(name).isNull(),
            F.struct(
                F.lit(name).alias("column"),
                F.col(f"_exact_{name}").cast("string").alias("value"),
                F.lit("amount_out_of_range").alias("rule"),
            ),
        )
        for name in amounts
    ]
    problems = F.concat(PROBLEMS, F.filter(F.array(*too_large), lambda problem: problem.isNotNull()))
    return rows.withColumn(PROBLEMS, problems).drop(*(f"_exact_{name}" for name in amounts))
