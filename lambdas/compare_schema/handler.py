"""After a crawl: hold the raw table against the contract, and note the looks of files that the crawl has seen.

Input: `{"run_id", "dataset"}`. Output: `{"warnings": [...]}`: what is to be said in the e-mail.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from shoplake.aws import get_json, put_json
from shoplake.config import Lake, load_lake
from shoplake.contracts import load_contract
from shoplake.crawls import KnownLooks, has_seen, last_crawl
from shoplake.raw_tables import differences, let_values_be_missing, outside_partitions, raw_table, shortened
from shoplake.times import parse

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[str]]:
    """Compare, and add the differences to the run's note of the crawl, where a failed run finds them."""
    lake, dataset = load_lake(), event["dataset"]
    keys = lake.run_keys(event["run_id"])
    warnings = shortened(compare(lake, dataset, event["run_id"], get_json(lake.bucket, keys.summary)), dataset)
    note = get_json(lake.bucket, keys.crawl(dataset))
    put_json(lake.bucket, keys.crawl(dataset), {**note, "warnings": warnings})
    logger.info("schema", extra={"dataset": dataset, "warnings": len(warnings)})
    return {"warnings": warnings}


def compare(lake: Lake, dataset: str, run_id: str, summary: dict[str, Any]) -> list[str]:
    """What the crawl gives to say. Remembers the looks of files that it has seen and that need no crawl from now on."""
    files, crawl, table = summary["raw"][dataset], last_crawl(lake, dataset), raw_table(lake, dataset)
    if crawl is None or crawl.status != "SUCCEEDED":
        outcome = f"ended as {crawl.status}: {crawl.error or 'it gave no reason'}" if crawl else "did not run"
        return [f"raw.{dataset}: the crawler {outcome}"]
    if has_seen(crawl, parse(summary["last_arrival"])):
        KnownLooks(lake.runs_table).note(dataset, files["looks"], run_id)
    if table is None:
        return [f"raw.{dataset}: the crawler found no file that it could read"]
    let_values_be_missing(lake, table)
    columns = [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]]
    return [
        *differences(dataset, columns, load_contract(dataset)),
        *outside_partitions(dataset, table, files["folders"], files["files_without_folder"]),
    ]
