"""Athena's SQL, asked as any reader would: start, wait, page through the rows."""

import time
from dataclasses import dataclass

from botocore.exceptions import ClientError

from shoplake.aws import client
from shoplake.config import Lake
from shoplake.errors import ShoplakeError

_POLL_S = (0.05, 0.1, 0.2, 0.5)


class QueryFailed(ShoplakeError):
    """Athena refused a query or could not finish it; the message is Athena's own reason."""


@dataclass(frozen=True)
class Answer:
    """A query's result: rows of text (None for null), in Athena's own formats."""

    columns: list[str]
    types: list[str]
    rows: list[list[str | None]]
    scanned_bytes: int


def run_query(lake: Lake, sql: str, max_rows: int | None = None, timeout_s: float = 300) -> Answer:
    """Run one statement in the lake's workgroup; tables without a database are curated ones.

    Raises QueryFailed with Athena's reason, also after `timeout_s`, when the query is cancelled.
    """
    athena = client("athena")
    try:
        query_id = athena.start_query_execution(
            QueryString=sql,
            WorkGroup=lake.workgroup,
            QueryExecutionContext={"Catalog": "AwsDataCatalog", "Database": lake.database("curated")},
        )["QueryExecutionId"]
    except ClientError as error:
        raise QueryFailed(error.response["Error"]["Message"]) from None
    execution = _wait(query_id, timeout_s)
    status = execution["Status"]
    if status["State"] != "SUCCEEDED":
        raise QueryFailed(status.get("StateChangeReason", f"the query ended as {status['State']}"))
    columns, types, rows = _rows(query_id, max_rows, header_row=execution.get("StatementType", "DML") == "DML")
    return Answer(columns, types, rows, execution.get("Statistics", {}).get("DataScannedInBytes", 0))


def _wait(query_id: str, timeout_s: float) -> dict:
    athena, deadline, polls = client("athena"), time.monotonic() + timeout_s, 0
    while True:
        execution = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
            return execution
        if time.monotonic() > deadline:
            athena.stop_query_execution(QueryExecutionId=query_id)
            raise QueryFailed(f"the query took longer than {timeout_s:g} s and was cancelled")
        time.sleep(_POLL_S[min(polls, len(_POLL_S) - 1)])
        polls += 1


def _rows(query_id: str, max_rows: int | None, header_row: bool) -> tuple[list[str], list[str], list[list[str | None]]]:
    """Columns, types and rows. Athena repeats the column names as the first row of a SELECT."""
    columns: list[str] = []
    types: list[str] = []
    rows: list[list[str | None]] = []
    for page in client("athena").get_paginator("get_query_results").paginate(QueryExecutionId=query_id):
        if not columns:
            info = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
            columns, types = [c["Name"] for c in info], [c["Type"] for c in info]
        rows += [[cell.get("VarCharValue") for cell in row["Data"]] for row in page["ResultSet"]["Rows"]]
        if max_rows is not None and len(rows) > max_rows + 1:
            break
    if header_row and rows and rows[0] == columns:
        rows = rows[1:]
    return columns, types, rows[:max_rows]
