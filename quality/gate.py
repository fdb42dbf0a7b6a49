"""The quality gate's machinery: run a suite on a frame, keep what it found, build the Data Docs."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import great_expectations as gx
from great_expectations.expectations.expectation import Expectation
from pyspark.sql import DataFrame

from quality.suites.rows import ExpectNoRows

MAX_EXAMPLES = 3
_DOCS_SITE = {
    "class_name": "SiteBuilder",
    "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
}


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
    """Checks frames one after the other; all of them share one set of Data Docs."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="data-docs-")
        self.docs = Path(self._folder.name)
        self._context = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = {"globally": False}
        store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(self.docs)}
        self._context.add_data_docs_site("lake", {**_DOCS_SITE, "store_backend": store})
        self._source = self._context.data_sources.add_spark("lake", persist=False)

    def check(
        self, name: str, frame: DataFrame, key: Sequence[str], expectations: list[Expectation]
    ) -> list[Finding]:
        """Run the expectations on a frame. `name` is the table's, `key` names the rows of its examples."""
        asset = self._source.add_dataframe_asset(name)
        batch = asset.add_batch_definition_whole_dataframe("touched rows")
        suite = self._context.suites.add(gx.ExpectationSuite(name, expectations=expectations))
        definition = self._context.validation_definitions.add(
            gx.ValidationDefinition(name=name, data=batch, suite=suite)
        )
        checkpoint = self._context.checkpoints.add(
            gx.Checkpoint(
                name=name,
                validation_definitions=[definition],
                actions=[gx.checkpoint.UpdateDataDocsAction(name="docs")],
                result_format={
                    "result_format": "SUMMARY",
                    "partial_unexpected_count": MAX_EXAMPLES,
                    "unexpected_index_column_names": list(key),
                },
            )
        )
        (result,) = checkpoint.run(batch_parameters={"dataframe": frame}).run_results.values()
        by_id = {expectation.id: expectation for expectation in suite.expectations}
        return [self._finding(name, by_id[r.expectation_config.id], r, frame) for r in result.results]

    def _finding(self, name: str, expectation: Expectation, result: Any, frame: DataFrame) -> Finding:
        found = result.result or {}
        unexpected = found.get("unexpected_count")
        if isinstance(expectation, ExpectNoRows):
            unexpected = found.get("observed_value")
        raised = _exception_of(result)
        return Finding(
            table=name,
            rule=(expectation.description or expectation.expectation_type)
            + (f" ({raised})" if raised else ""),
            expectation_type=expectation.expectation_type,
            column=getattr(expectation, "column", None),
            severity=str(result.expectation_config.severity.value),
            is_met=bool(result.success),
            unexpected=None if unexpected is None else int(unexpected),
            checked=found.get("element_count"),
            examples=None if result.success else _examples(expectation, found, frame),
        )

    def close(self) -> None:
        self._folder.cleanup()


def _examples(expectation: Expectation, found: dict[str, Any], frame: DataFrame) -> str:
    """Keys of up to three rows that break the rule, as JSON."""
    if isinstance(expectation, ExpectNoRows):
        frame.createOrReplaceTempView("batch_of_the_gate")
        query = expectation.unexpected_rows_query.replace("{batch}", "batch_of_the_gate")
        rows = [
            row.asDict()
            for row in frame.sparkSession.sql(f"SELECT * FROM ({query}) LIMIT {MAX_EXAMPLES}").collect()
        ]
    else:
        rows = (found.get("partial_unexpected_index_list") or [])[:MAX_EXAMPLES]
    return json.dumps(rows, default=str)


def _exception_of(result: Any) -> str | None:
    """Great Expectations reports a missing column or a broken query as an exception with an empty result."""
    info = result.exception_info or {}
    entries = [info] if "raised_exception" in info else list(info.values())
    return next(
        (e["exception_message"] for e in entries if isinstance(e, dict) and e.get("raised_exception")), None
    )
