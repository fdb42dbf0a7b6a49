"""Before a crawl: is one needed? Where not, the raw table just gets the partitions of the run's files.

Input: `{"run_id", "dataset"}`. Output: `{"crawl": true or false, "crawler": its name, "warnings": [...]}`.
"""

from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from shoplake.aws import get_json, put_json
from shoplake.config import load_lake
from shoplake.crawls import KnownLooks, last_crawl, reason_to_crawl
from shoplake.raw_tables import add_partitions, outside_partitions, raw_table
from shoplake.times import now

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Decide on a crawl, and note it for the receipt."""
    lake, dataset = load_lake(), event["dataset"]
    keys = lake.run_keys(event["run_id"])
    files = get_json(lake.bucket, keys.summary)["raw"][dataset]
    table = raw_table(lake, dataset)
    last = last_crawl(lake, dataset)
    reason = reason_to_crawl(
        table is not None,
        KnownLooks(lake.runs_table).are_known(dataset, files["looks"]),
        last,
        now(),
        timedelta(hours=lake.inventory.crawlers.recrawl_after_h),
    )
    logger.info("crawl", extra={"dataset": dataset, "reason": reason})
    if reason:
        put_json(lake.bucket, keys.crawl(dataset), {"dataset": dataset, "reason": reason})
        return {"crawl": True, "crawler": lake.crawler_name(dataset), "warnings": []}
    warnings = []
    if last is not None and last.status == "FAILED":
        warnings.append(f"raw.{dataset}: its crawler failed ({last.error or 'it gave no reason'}); it is tried daily")
    if table is not None:
        add_partitions(lake, dataset, files["folders"])
        warnings += outside_partitions(dataset, table, files["folders"], files["files_without_folder"])
    return {"crawl": False, "warnings": warnings}
