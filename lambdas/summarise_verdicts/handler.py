"""When every file has its verdict: decide duplicates, and say what there is to load.

Input: `{"run_id"}`. Output, under 10 KB whatever the number of files: counts, and which datasets are touched.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from shoplake.aws import at_once, put_json
from shoplake.config import load_lake
from shoplake.files import Files
from shoplake.manifest import read_manifest
from shoplake.summary import mark_duplicates, summarise
from shoplake.verdicts import put_verdict, read_verdicts

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Write the run's summary for its jobs, and return what the state machine steers by."""
    lake = load_lake()
    keys = lake.run_keys(event["run_id"])
    files = Files(lake.files_table)
    given = read_verdicts(lake.bucket, keys)
    expected = len(read_manifest(lake, event["run_id"]))
    if len(given) != expected:
        raise RuntimeError(f"{len(given)} verdicts for {expected} files: a file without a verdict would vanish")
    known = files.of_contents({verdict.content for verdict in given if verdict.is_loaded})
    decided = mark_duplicates(given, known.__getitem__)
    changed = [after for before, after in zip(given, decided, strict=True) if before != after]
    at_once(lambda verdict: put_verdict(lake.bucket, keys, verdict), changed)
    summary = summarise(event["run_id"], decided, lake.inventory.datasets, lake.zone("raw"))
    put_json(lake.bucket, keys.summary, summary)
    logger.info("summary", extra=summary["counts"])
    return {name: summary[name] for name in ("run_id", "counts", "touched", "crawls")}
