"""The base of the lake's own expectations: figures of a table that SQL aggregates give, judged in Python.

Great Expectations computes aggregates of one batch in one query, and takes these together with those of its own
rules: a table with thirty rules is asked once, whatever each of them reads.
"""

from dataclasses import dataclass
from typing import Any

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.expectations.registry import get_metric_kwargs
from great_expectations.validator.metric_configuration import MetricConfiguration
from pyspark.sql import functions as F

BATCH = "batch_of_the_gate"  # the view that {batch} stands for
METRIC = "table.sql_aggregate"


class TableSqlAggregate(TableMetricProvider):
    """One aggregate over the batch, as SQL. It may be a query of its own in brackets that gives one value."""

    metric_name = METRIC
    value_keys = ("aggregate",)

    @metric_partial(
        engine=SparkDFExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _spark(cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration):
        rows, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, MetricDomainTypes.TABLE)
        rows.createOrReplaceTempView(BATCH)
        return F.expr(in_sql(metric_value_kwargs["aggregate"])), metric_domain_kwargs, {}


@dataclass(frozen=True)
class Judgement:
    """What the figures come to.

    `in_words` is for a person; `unexpected` counts rows that break the rule, where it is of rows; `observed` is the
    figure, where it is of one.
    """

    is_met: bool
    in_words: str
    unexpected: int | None = None
    observed: float | None = None


class MeasuredExpectation(BatchExpectation):
    """What is expected of some figures of a table. A subclass says which (`measures`) and when they are met (`judge`).

    {batch} in SQL stands for the rows that are checked.
    """

    def measures(self) -> dict[str, str]:
        """The figures that are needed: SQL aggregates by a name of their own."""
        raise NotImplementedError

    def judge(self, found: dict[str, Any]) -> Judgement:
        """Whether the figures, by the names of `measures`, are as expected. `rows` has the rows of the batch."""
        raise NotImplementedError

    def rows_that_break_it(self) -> str | None:
        """SELECT of the key of each row that breaks the rule; None where it is not of single rows."""
        return None

    def get_validation_dependencies(self, execution_engine=None, runtime_configuration=None):
        """Great Expectations' question: the metrics to compute."""
        needed = super().get_validation_dependencies(execution_engine, runtime_configuration)
        domain = get_metric_kwargs(METRIC, self.configuration, runtime_configuration)["metric_domain_kwargs"]
        for name, aggregate in {"rows": "count(*)", **self.measures()}.items():
            metric = MetricConfiguration(METRIC, domain, {"aggregate": " ".join(aggregate.split())})
            needed.set_metric_configuration(name, metric)
        needed.result_format = {"result_format": "BASIC"}  # the figures are there: a bare yes or no would drop them
        return needed

    def _validate(self, metrics, runtime_configuration=None, execution_engine=None) -> dict[str, Any]:
        judgement = self.judge(metrics)
        return {
            "success": judgement.is_met,
            "result": {
                "observed_value": judgement.in_words,
                "element_count": metrics["rows"],
                "unexpected_rows": judgement.unexpected,
                "observed": judgement.observed,
            },
        }


def in_sql(text: str) -> str:
    """SQL with the view's name in the place of {batch}."""
    return text.replace("{batch}", BATCH)
