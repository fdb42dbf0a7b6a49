"""Gap: Glue crawlers.

The stock emulator's crawler waits five seconds and finds nothing. Here it reads the beginning of the files under
its S3 targets and leaves in the catalog what Glue's would: one table a target (as with the grouping policy
CombineCompatibleSchemas), named by the target's last folder, with

- columns of all its files, names in lower case, types bigint, double, boolean, string (CSV), int, struct and array
  as well (JSON), or the file's own (Parquet);
- `StorageDescriptor`: InputFormat, OutputFormat, and the SerDe: for CSV LazySimpleSerDe with `field.delim`, or, where
  the crawler's CsvClassifier says so, OpenCSVSerde with `separatorChar` and `quoteChar`; for JSON openx's JsonSerDe
  with `paths`; for Parquet ParquetHiveSerDe;
- `Parameters`: classification, compressionType, delimiter, skip.header.line.count, objectCount, recordCount (an
  estimate), sizeKey, averageRecordSize, UPDATED_BY_CRAWLER and so on;
- partition keys from `name=value` folders, and a partition for each such folder, which inherits from the table.

Honoured: SchemaChangePolicy.UpdateBehavior, RecrawlPolicy (new folders only), Exclusions, Classifiers, TablePrefix,
StopCrawler. Nothing is ever deleted (DeleteBehavior LOG). Locations of Iceberg tables are left alone. What is read
of one crawl is bounded: SAMPLE_BYTES of each of the newest MAX_FILES files; columns known before stay, then.

Hooks: `glue._start_crawler`, `_stop_crawler`, `_get_crawler_metrics`.
"""

import contextvars
import json
import threading

from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch_logs, glue, s3

from local.crawling.crawl import Crawl
from local.gaps import hooks

_live: dict[str, Crawl] = {}  # by the crawler's name


def install() -> None:
    hooks.replace(glue, "_start_crawler", _start_crawler, parameters=("data",))
    hooks.replace(glue, "_stop_crawler", _stop_crawler, parameters=("data",))
    global _stock_metrics
    _stock_metrics = hooks.replace(glue, "_get_crawler_metrics", _get_crawler_metrics, parameters=("data",))
    for name in ("_create_table", "_update_table", "_batch_create_partition"):
        hooks.require(glue, name, parameters=("data",))
    for name in ("_create_log_group", "_create_log_stream", "_put_log_events"):
        hooks.require(cloudwatch_logs, name, parameters=("data",))
    hooks.require(s3, "_get_object_data", parameters=("bucket_name", "key", "version_id"))
    hooks.require(s3, "_object_disk_path", parameters=("bucket", "key", "account_id"))


def _start_crawler(data):
    name = data.get("Name")
    crawler = glue._crawlers.get(name)
    if crawler is None:
        return _not_found(name)
    if name in _live:  # a state of RUNNING alone may be left of a killed process
        return error_response_json("CrawlerRunningException", f"Crawler with name {name} has already started", 400)
    crawl = _live[name] = Crawl(crawler)
    crawler.update(State="RUNNING", CrawlElapsedTime=0)
    context = contextvars.copy_context()  # the account and region of the request
    threading.Thread(target=context.run, args=(_run, name, crawl), name=f"crawler-{name}", daemon=True).start()
    return json_response({})


def _run(name: str, crawl: Crawl) -> None:
    try:
        crawl.run()
    finally:
        _live.pop(name, None)
        crawl.crawler["State"] = "READY"


def _stop_crawler(data):
    name = data.get("Name")
    if name not in glue._crawlers:
        return _not_found(name)
    crawl = _live.get(name)
    if crawl is None:
        return error_response_json("CrawlerNotRunningException", f"Crawler with name {name} isn't running", 400)
    glue._crawlers[name]["State"] = "STOPPING"
    crawl.stopped.set()
    return json_response({})


def _get_crawler_metrics(data):
    status, headers, body = _stock_metrics(data)
    answer = json.loads(body)
    for metrics in answer["CrawlerMetricsList"]:
        metrics.update(glue._crawlers[metrics["CrawlerName"]].get("_metrics", {}))
    return status, headers, json.dumps(answer).encode()


def _not_found(name: str):
    return error_response_json("EntityNotFoundException", f"Crawler with name {name} does not exist", 400)
