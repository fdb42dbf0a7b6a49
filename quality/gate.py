"""The quality gate's machinery: run a suite on a frame, keep what it found, render the Data Docs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import great_expectations as gx
from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.expectations.expectation import Expectation
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from pyspark.sql import DataFrame

from quality.suites.rows import ExpectNoRows

MAX_EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """What one expectation came to on one table."""

    table: str
    rule: str
    expectation_type: str
    column: str | None
    severity: str
    is_met: bool
    unexpected: int | None
    checked: int | None
    examples: str | None


class Gate:
    """Checks frames one after the other, and collects a page of Data Docs for each.

    `as_of` (ISO 8601) is what the pages give as the run's time.
    """

    def __init__(self, run_id: str, as_of: str) -> None:
        self._run_values = {"run_name": run_id, "run_time": as_of}
        self.pages: dict[str, str] = {}
        self._context = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = {"globally": False}
        self._source = self._context.data_sources.add_spark("lake", persist=False)

    def check(self, name: str, frame: DataFrame, key: Sequence[str], expectations: list[Expectation]) -> list[Finding]:
        """Run the expectations on a frame. `name` is the table's, `key` names the rows of its examples.

        First for yes or no, which Great Expectations answers in a few passes over the frame; then again, with
        counts and example keys, for those alone that were not met: asking everything at once takes a Spark
        job or two for every expectation. `frame` should be cached.
        """
        checked = frame.count()
        batch = self._source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("touched rows")
        quick = self._run(batch, name, frame, expectations, {"result_format": "BOOLEAN_ONLY"})
        not_met = [expectation for expectation, result in quick.values() if not result.success]
        detailed = {}
        if not_met:
            form = {
                "result_format": "SUMMARY",
                "partial_unexpected_count": MAX_EXAMPLES,
                "unexpected_index_column_names": list(key),
            }
            anew = [expectation.copy(update={"id": None}) for expectation in not_met]
            detailed = self._run(batch, f"{name}.not_met", frame, anew, form)
        final = {rule: detailed.get(rule, found) for rule, found in quick.items()}
        self.pages[name] = _page(
            name, [_completed(result, frame, checked) for _, result in final.values()], self._run_values
        )
        return [_finding(name, expectation, result, frame, checked) for expectation, result in final.values()]

    def index(self) -> str:
        """The page that leads to the others."""
        links = "\n".join(f'<li><a href="{escape(name)}.html">{escape(name)}</a></li>' for name in self.pages)
        return f"<!doctype html><meta charset='utf-8'><title>Data Docs</title><h1>Data Docs</h1><ul>{links}</ul>\n"

    def _run(
        self, batch: Any, name: str, frame: DataFrame, expectations: list[Expectation], result_format: dict[str, Any]
    ) -> dict[str, tuple[Expectation, Any]]:
        """Each expectation with its result, by the expectation in words."""
        suite = self._context.suites.add(gx.ExpectationSuite(name, expectations=expectations))
        definition = gx.ValidationDefinition(name=name, data=batch, suite=suite)
        definition = self._context.validation_definitions.add(definition)
        answer = definition.run(batch_parameters={"dataframe": frame}, result_format=result_format)
        by_id = {expectation.id: expectation for expectation in suite.expectations}
        found = [(by_id[result.expectation_config.id], result) for result in answer.results]
        return {rule_of(expectation): (expectation, result) for expectation, result in found}


def rule_of(expectation: Expectation) -> str:
    """The expectation in words. A class-level description never reaches a result, so each has its own."""
    return expectation.description or expectation.expectation_type


def _finding(name: str, expectation: Expectation, result: Any, frame: DataFrame, checked: int) -> Finding:
    is_met, raised = bool(result.success), _exception_of(result)
    unexpected = result.result.get("observed_value" if isinstance(expectation, ExpectNoRows) else "unexpected_count")
    return Finding(
        table=name,
        rule=rule_of(expectation) + (f" (could not be checked: {raised.splitlines()[0][:200]})" if raised else ""),
        expectation_type=expectation.expectation_type,
        column=getattr(expectation, "column", None),
        severity=str(result.expectation_config.severity.value),
        is_met=is_met,
        unexpected=int(unexpected) if isinstance(unexpected, int | float) else None,
        checked=checked,
        examples=None if is_met or raised else _examples(expectation, result.result, frame),
    )


def _examples(expectation: Expectation, found: dict[str, Any], frame: DataFrame) -> str:
    """Keys of up to three rows that break the rule, as JSON."""
    if isinstance(expectation, ExpectNoRows):
        frame.createOrReplaceTempView("batch_of_the_gate")
        query = expectation.unexpected_rows_query.replace("{batch}", "batch_of_the_gate")
        broken = frame.sparkSession.sql(f"SELECT * FROM ({query}) LIMIT {MAX_EXAMPLES}")
        rows = [row.asDict() for row in broken.collect()]
    else:
        rows = (found.get("partial_unexpected_index_list") or [])[:MAX_EXAMPLES]
    return json.dumps(rows, default=str)


def _exception_of(result: Any) -> str | None:
    """Great Expectations reports a missing column or a broken query as an exception with an empty result."""
    info = result.exception_info or {}
    entries = [info] if "raised_exception" in info else list(info.values())
    return next((e["exception_message"] for e in entries if isinstance(e, dict) and e.get("raised_exception")), None)


def _completed(result: Any, frame: DataFrame, checked: int) -> Any:
    """A yes or no with the figures that follow from it, which the page of Data Docs shows."""
    if result.result or not result.success:
        return result
    known = {"element_count": checked}
    if result.expectation_config.type == "expect_table_columns_to_match_ordered_list":
        known = {"observed_value": frame.columns}
    elif result.expectation_config.kwargs.get("mostly", 1) == 1:
        known |= {"unexpected_count": 0, "unexpected_percent": 0.0, "observed_value": 0}
    result.result = known
    return result


def _page(name: str, results: list[Any], run_values: dict[str, str]) -> str:
    """Great Expectations' own page of a table's results."""
    met = sum(bool(result.success) for result in results)
    validation = ExpectationSuiteValidationResult(
        success=met == len(results),
        results=results,
        suite_name=name,
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": met,
            "unsuccessful_expectations": len(results) - met,
            "success_percent": 100 * met / len(results) if results else 100.0,
        },
        meta={
            "great_expectations_version": gx.__version__,
            "run_id": run_values,
            "batch_spec": {"data_asset_name": name},
        },
    )
    return DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(validation))
