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

from quality.expectations.measured import BATCH, MeasuredExpectation, in_sql

MAX_EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """What one expectation came to on one table.

    `unexpected` counts the rows that break it, where it is of rows; `observed` is the figure, where it is of one;
    `in_words` says either to a person.
    """

    table: str
    rule: str
    expectation_type: str
    column: str | None
    severity: str
    is_met: bool
    unexpected: int | None
    checked: int | None
    examples: str | None
    observed: float | None = None
    in_words: str | None = None
    is_whole: bool = False


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

        First for yes or no, which Great Expectations answers in one pass over the frame; then its own rules that were
        not met again, with counts and example keys: asking everything at once takes a Spark job or two for each.
        A cached `frame` gains nothing: it is read in two queries, of which each takes what it needs.
        """
        batch = self._source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("touched rows")
        quick = self._run(batch, name, frame, expectations, {"result_format": "BOOLEAN_ONLY"})
        checked = next((r.result["element_count"] for _, r in quick.values() if "element_count" in r.result), None)
        not_met = [
            expectation
            for expectation, result in quick.values()
            if not result.success and not isinstance(expectation, MeasuredExpectation)
        ]
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
        findings = [_finding(name, expectation, result, frame, checked) for expectation, result in final.values()]
        results = [_completed(r, f, frame) for (_, r), f in zip(final.values(), findings, strict=True)]
        self.pages[name] = _page(name, results, self._run_values)
        return findings

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


def _finding(name: str, expectation: Expectation, result: Any, frame: DataFrame, checked: int | None) -> Finding:
    is_met, raised, found = bool(result.success), _exception_of(result), result.result
    is_measured = isinstance(expectation, MeasuredExpectation)
    unexpected = found.get("unexpected_rows" if is_measured else "unexpected_count")
    return Finding(
        table=name,
        rule=rule_of(expectation) + (f" (could not be checked: {raised.splitlines()[0][:200]})" if raised else ""),
        expectation_type=expectation.expectation_type,
        column=getattr(expectation, "column", None),
        severity=str(result.expectation_config.severity.value),
        is_met=is_met,
        unexpected=int(unexpected) if isinstance(unexpected, int | float) else None,
        checked=checked,
        examples=None if is_met or raised else _examples(expectation, found, frame),
        observed=found.get("observed"),
        in_words=found.get("observed_value") if is_measured else None,
    )


def _examples(expectation: Expectation, found: dict[str, Any], frame: DataFrame) -> str | None:
    """Keys of up to three rows that break the rule, as JSON; None where it is not of rows."""
    if not isinstance(expectation, MeasuredExpectation):
        return json.dumps((found.get("partial_unexpected_index_list") or [])[:MAX_EXAMPLES], default=str)
    query = expectation.rows_that_break_it()
    if query is None:
        return None
    frame.createOrReplaceTempView(BATCH)
    broken = frame.sparkSession.sql(f"SELECT * FROM ({in_sql(query)}) LIMIT {MAX_EXAMPLES}")
    return json.dumps([row.asDict() for row in broken.collect()], default=str)


def _exception_of(result: Any) -> str | None:
    """Great Expectations reports a missing column or a broken query as an exception with an empty result."""
    info = result.exception_info or {}
    entries = [info] if "raised_exception" in info else list(info.values())
    return next((e["exception_message"] for e in entries if isinstance(e, dict) and e.get("raised_exception")), None)


def _completed(result: Any, finding: Finding, frame: DataFrame) -> Any:
    """A result with what the page of Data Docs shows: a figure with examples, and of a yes the figures that follow."""
    known = {"element_count": finding.checked}
    if finding.in_words is not None:
        examples = f", for example {finding.examples}" if finding.examples else ""
        result.result["observed_value"] = finding.in_words + examples
    elif result.success and result.expectation_config.type == "expect_table_columns_to_match_ordered_list":
        result.result = {"observed_value": frame.columns}
    elif result.success and result.expectation_config.kwargs.get("mostly", 1) == 1:
        result.result = known | {"unexpected_count": 0, "unexpected_percent": 0.0, "observed_value": 0}
    elif result.success:
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
