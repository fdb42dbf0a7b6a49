"""After a crawl: hold the raw table against the contract, and note the looks of files that the crawl has seen.

Input: `{"run_id", "dataset"}`. Output: `{"warnings": [...]}`: what is to be said in the e-mail.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from shoplake.aws import get_json
from shoplake.config import load_lake
from shoplake.contracts import load_contract
from shoplake.crawls import KnownLooks, has_seen, last_crawl
from shoplake.keys import RunKeys
from shoplake.raw_tables import differences, outside_partitions, raw_table, shortened
from shoplake.times import parse

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[str]]:
    """Compare, and remember what needs no crawl from now on."""
    lake, dataset = load_lake(), event["dataset"]
    summary = get_json(lake.bucket, RunKeys(event["run_id"], lake.zone("runs")).summary)
    files, crawl, table = summary["raw"][dataset], last_crawl(lake, dataset), raw_table(lake, dataset)
    if crawl is None or crawl.status != "SUCCEEDED":
        outcome = f"ended as {crawl.status}: {crawl.error or 'it gave no reason'}" if crawl else "did not run"
        return {"warnings": shortened([f"The crawler of raw.{dataset} {outcome}"], dataset)}
    if has_seen(crawl, parse(summary["last_arrival"])):
        KnownLooks(lake.runs_table).note(dataset, files["looks"], event["run_id"])
    if table is None:
        return {"warnings": [f"The crawler of raw.{dataset} found no file that it could read"]}
    columns = [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]]
    sentences = differences(dataset, columns, load_contract(dataset))
    sentences += outside_partitions(dataset, table, files["folders"], files["files_without_folder"])
    logger.info("schema", extra={"dataset": dataset, "differences": len(sentences)})
    return {"warnings": shortened(sentences, dataset)}
