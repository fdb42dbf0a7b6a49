"""Athena's SQL, asked as any reader would: start, wait, page through the rows."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from shoplake.aws import client, error_code
from shoplake.config import Lake
from shoplake.errors import ShoplakeError
from shoplake.sql_files import file_of

_POLL_S = (0.05, 0.1, 0.2, 0.5)
_MAX_REUSE_MINUTES = 24 * 60
_OVER_THE_LIMIT = "Bytes scanned limit was exceeded"


class QueryFailed(ShoplakeError):
    """Athena refused a query or could not finish it; the message is Athena's own reason."""


@dataclass(frozen=True)
class Answer:
    """A query's result: rows of text (None for null), in Athena's own formats."""

    columns: list[str]
    types: list[str]
    rows: list[list[str | None]]
    scanned_bytes: int
    is_reused: bool = False


@dataclass(frozen=True)
class StoredQuery:
    """A named query as Athena keeps it."""

    query_id: str
    name: str
    description: str
    database: str
    sql: str

    @property
    def has_file(self) -> bool:
        """Whether it was made from a file under `queries/`."""
        return self.description.endswith(f"({file_of(self.name)})")

    @property
    def about(self) -> str:
        """The description without the file."""
        return self.description.removesuffix(f"({file_of(self.name)})").strip()


def run_query(
    lake: Lake, sql: str, max_rows: int | None = None, timeout_s: float = 300, may_reuse: bool = False
) -> Answer:
    """Run one statement in the lake's workgroup; tables without a database are curated ones.

    With `may_reuse`, Athena may give the result that the same question had since the last publication. Raises
    QueryFailed with Athena's reason, also after `timeout_s`, when the query is cancelled.
    """
    athena = client("athena")
    minutes = reusable_minutes(lake, sql) if may_reuse else 0
    by_age = {"Enabled": True, "MaxAgeInMinutes": minutes} if minutes else {"Enabled": False}
    try:
        query_id = athena.start_query_execution(
            QueryString=sql,
            WorkGroup=lake.workgroup,
            QueryExecutionContext={"Catalog": "AwsDataCatalog", "Database": lake.database("curated")},
            ResultReuseConfiguration={"ResultReuseByAgeConfiguration": by_age},
        )["QueryExecutionId"]
    except ClientError as error:
        raise QueryFailed(error.response["Error"]["Message"]) from None
    execution = _wait(query_id, timeout_s)
    status, statistics = execution["Status"], execution.get("Statistics", {})
    if status["State"] != "SUCCEEDED":
        reason = status.get("StateChangeReason", f"the query ended as {status['State']}")
        raise QueryFailed(_over_the_limit(lake) if _OVER_THE_LIMIT in reason else reason)
    columns, types, rows = _rows(query_id, max_rows, header_row=execution.get("StatementType", "DML") == "DML")
    is_reused = statistics.get("ResultReuseInformation", {}).get("ReusedPreviousResult", False)
    return Answer(columns, types, rows, statistics.get("DataScannedInBytes", 0), is_reused)


def reusable_minutes(lake: Lake, sql: str, now: datetime | None = None) -> int:
    """How old, in whole minutes, a result may be that answers `sql` again: no older than the last publication, and
    at most a day. 0 where no result may be reused.

    Athena looks at the text of a question and never at the data. Curated tables change by publications alone; raw
    and processed ones, which a question must name, also change beside them.
    """
    if any(lake.database(name) in sql.casefold() for name in ("raw", "processed")):
        return 0
    try:
        table = client("glue").get_table(DatabaseName=lake.database("curated"), Name="published")["Table"]
    except ClientError as error:
        if error_code(error) == "EntityNotFoundException":
            return 0  # nothing was published yet
        raise
    age = (now or datetime.now(UTC)) - table["UpdateTime"]
    return max(0, min(int(age.total_seconds() // 60), _MAX_REUSE_MINUTES))


def stored_queries(lake: Lake) -> list[StoredQuery]:
    """The named queries of the lake's workgroup, by name."""
    athena, found = client("athena"), []
    for page in athena.get_paginator("list_named_queries").paginate(WorkGroup=lake.workgroup):
        ids = page["NamedQueryIds"]  # a page holds 50 at most, as many as one may ask for
        answer = athena.batch_get_named_query(NamedQueryIds=ids) if ids else {"NamedQueries": []}
        found += [
            StoredQuery(
                query["NamedQueryId"],
                query["Name"],
                query.get("Description", ""),
                query["Database"],
                query["QueryString"],
            )
            for query in answer["NamedQueries"]
        ]
    return sorted(found, key=lambda query: query.name)


def _over_the_limit(lake: Lake) -> str:
    """What a person can do about a query that the workgroup's limit stopped."""
    group = client("athena").get_work_group(WorkGroup=lake.workgroup)["WorkGroup"]
    limit = group["Configuration"]["BytesScannedCutoffPerQuery"]
    return (
        f"it would scan more than the {limit / 1e6:,g} MB that a query of workgroup {lake.workgroup} may: name the "
        "columns that it needs instead of *, narrow it with WHERE to fewer days, or raise athena.max_scanned_gb in "
        "lake.yaml and deploy."
    )


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
