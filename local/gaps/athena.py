"""Gap: Athena on Iceberg tables, views, results as AWS has them, byte limits and result reuse.

The stock emulator hands a query's text to DuckDB with paths in the place of tables, reads Parquet under
an Iceberg table as CSV, and knows no views. Here `local.athena` runs the statement. Hooks:
`athena._start_query_execution`, `_execute_query` and `_get_query_results`.
"""

import asyncio
import functools
import json
import logging
import time

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import athena, glue, s3

from local.athena import catalog, iceberg, statements, store, values
from local.athena.engine import Result
from local.athena.errors import BytesLimitExceeded, QueryFailed
from local.gaps import hooks

DEFAULT_REUSE_MINUTES = 60
PAGE_ROWS = 1000

logger = logging.getLogger(__name__)


def install() -> None:
    global _stock_start
    _stock_start = hooks.replace(athena, "_start_query_execution", _start_query_execution, parameters=("data",))
    hooks.replace(
        athena,
        "_execute_query",
        _execute_query,
        parameters=("query_id", "query", "database", "ddl", "catalog"),
    )
    hooks.replace(athena, "_get_query_results", _get_query_results, parameters=("data",))
    hooks.require(athena, "_run_ddl", parameters=("ddl", "database"))
    hooks.require(s3, "_get_object_data", parameters=("bucket_name", "key", "version_id"))
    hooks.require(s3, "_object_disk_path", parameters=("bucket", "key", "account_id"))
    for name in ("_create_table", "_update_table", "_delete_table"):
        hooks.require(glue, name, parameters=("data",))


def _start_query_execution(data):
    athena._ensure_default_workgroup()
    workgroup_name = data.get("WorkGroup", "primary")
    workgroup = athena._workgroups.get(workgroup_name)
    if workgroup is None:
        return error_response_json("InvalidRequestException", f"WorkGroup {workgroup_name} is not found.", 400)
    request = {
        **data,
        "ResultConfiguration": _result_configuration(data, workgroup.get("Configuration") or {}),
    }
    reused = _reusable(request)
    if reused:
        return json_response({"QueryExecutionId": _copy_of(reused)})
    response = _stock_start(request)
    if response[0] == 200:
        # The query runs on this same loop, so not before this function is done.
        execution = athena._executions[json.loads(response[2])["QueryExecutionId"]]
        if data.get("ExecutionParameters"):
            execution["ExecutionParameters"] = data["ExecutionParameters"]
    return response


def _result_configuration(request: dict, configuration: dict) -> dict:
    """Where the result goes: the workgroup's place when it is enforced or the request names none."""
    own = request.get("ResultConfiguration") or {}
    workgroups = configuration.get("ResultConfiguration") or {}
    enforced = configuration.get("EnforceWorkGroupConfiguration", True) and workgroups.get("OutputLocation")
    location = workgroups.get("OutputLocation") if enforced else own.get("OutputLocation")
    location = location or workgroups.get("OutputLocation")
    return {**own, "OutputLocation": location.rstrip("/") + "/"} if location else own


async def _execute_query(query_id, query, database, ddl, catalog=None):
    execution = athena._executions.get(query_id)
    if not execution:
        return
    started = time.monotonic()
    status, statistics = execution["Status"], execution["Statistics"]
    status["State"] = "RUNNING"
    try:
        result = await asyncio.to_thread(_run, execution, query, database, ddl)
        ending = {"State": "SUCCEEDED"}
        statistics["DataScannedInBytes"] = result.scanned_bytes
    except BytesLimitExceeded as refusal:
        ending = {"State": "CANCELLED", "StateChangeReason": str(refusal)}
        statistics["DataScannedInBytes"] = 0
    except QueryFailed as failure:
        ending = _failed(str(failure), category=2)
    except Exception as failure:  # a query that breaks local Athena must end too, and say how
        logger.exception("Query %s failed", query_id)
        ending = _failed(f"GENERIC_INTERNAL_ERROR: {type(failure).__name__}: {failure}", category=1)
    elapsed_ms = int((time.monotonic() - started) * 1000)
    statistics.update(EngineExecutionTimeInMillis=elapsed_ms, TotalExecutionTimeInMillis=elapsed_ms)
    if status["State"] == "RUNNING":  # it may have been cancelled meanwhile
        status.update(ending, CompletionDateTime=round(time.time(), 3))


def _failed(reason: str, category: int) -> dict:
    error = {"ErrorCategory": category, "ErrorMessage": reason, "Retryable": False}
    return {"State": "FAILED", "StateChangeReason": reason, "AthenaError": error}


def _run(execution: dict, sql: str, database: str, ddl) -> Result:
    if ddl is not None:
        result = _run_ddl(ddl, database)
    else:
        workgroup = athena._workgroups.get(execution["WorkGroup"]) or {}
        bytes_limit = (workgroup.get("Configuration") or {}).get("BytesScannedCutoffPerQuery")
        parameters = execution.get("ExecutionParameters") or []
        result = statements.execute(sql, database.lower(), parameters, bytes_limit)
    # Rows stay in the result file alone: the emulator saves its state, again and again, as one text.
    execution["_results"] = {"columns": result.columns, "rows": []}
    execution["_column_types"] = result.types
    execution["_sources"] = result.sources
    _write_result(execution["ResultConfiguration"]["OutputLocation"], result)
    return result


def _run_ddl(ddl, database: str) -> Result:
    """CREATE EXTERNAL TABLE and DROP TABLE of raw tables, which the stock emulator can."""
    if isinstance(ddl, athena._DropTable):
        table = glue._tables.get(f"{ddl.database or database}/{ddl.table}")
        if table and iceberg.is_iceberg(table):
            raise QueryFailed("NOT_SUPPORTED", statements.READ_ONLY)
    try:
        athena._run_ddl(ddl, database)
    except ValueError as refusal:
        raise QueryFailed("GENERIC_USER_ERROR", str(refusal)) from refusal
    return Result()


def _write_result(location: str, result: Result) -> None:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    content = values.to_csv(result.columns, result.rows) if result.columns else b""
    headers = {"content-type": "text/csv", "content-length": str(len(content))}
    response = s3._put_object(bucket, key, content, headers)
    if isinstance(response, tuple) and response[0] >= 300:
        raise QueryFailed("INVALID_OUTPUT_LOCATION", f"The result could not be written to {location}")


def _reusable(request: dict) -> dict | None:
    """The newest finished execution whose result serves `request`, if it allows that.

    AWS asks only for the same text and an age; here, too, none of the tables read may have changed since.
    """
    wanted = (request.get("ResultReuseConfiguration") or {}).get("ResultReuseByAgeConfiguration") or {}
    if not wanted.get("Enabled"):
        return None
    oldest = time.time() - 60 * wanted.get("MaxAgeInMinutes", DEFAULT_REUSE_MINUTES)
    alike = [execution for execution in athena._executions.values() if _is_alike(execution, request, oldest)]
    alike.sort(key=lambda execution: execution["Status"]["SubmissionDateTime"], reverse=True)
    return next((execution for execution in alike if _is_current(execution)), None)


def _is_alike(execution: dict, request: dict, oldest: float) -> bool:
    return (
        execution["Query"] == request.get("QueryString")
        and execution["StatementType"] == "DML"
        and execution["Status"]["State"] == "SUCCEEDED"
        and "ResultReuseInformation" not in execution["Statistics"]  # a copy is as old as its original
        and execution["Status"]["SubmissionDateTime"] >= oldest
        and execution["WorkGroup"] == request.get("WorkGroup", "primary")
        and execution["QueryExecutionContext"]["Database"]
        == request.get("QueryExecutionContext", {}).get("Database", "default")
        and (execution.get("ExecutionParameters") or []) == (request.get("ExecutionParameters") or [])
        and execution["ResultConfiguration"]["OutputLocation"].startswith(
            request["ResultConfiguration"].get("OutputLocation", "")
        )
    )


def _is_current(execution: dict) -> bool:
    if store.read(execution["ResultConfiguration"]["OutputLocation"]) is None:
        return False
    try:
        return all(
            catalog.signature(*source.split(".", 1)) == signature
            for source, signature in (execution.get("_sources") or {}).items()
        )
    except QueryFailed:  # a table is gone: the query must run, and say so
        return False


def _copy_of(execution: dict) -> str:
    """A finished execution that shows another one's result. Returns its id."""
    query_id = new_uuid()
    now = round(time.time(), 3)
    reused = {"ReusedPreviousResult": True}
    athena._executions[query_id] = {
        **execution,
        "QueryExecutionId": query_id,
        "Status": {**execution["Status"], "SubmissionDateTime": now, "CompletionDateTime": now},
        "Statistics": {**execution["Statistics"], "DataScannedInBytes": 0, "ResultReuseInformation": reused},
    }
    return query_id


def _get_query_results(data):
    query_id = data.get("QueryExecutionId")
    execution = athena._executions.get(query_id)
    if not execution:
        return error_response_json("InvalidRequestException", f"QueryExecution {query_id} was not found", 400)
    state, reason = execution["Status"]["State"], execution["Status"].get("StateChangeReason")
    if state == "FAILED":
        return error_response_json("InvalidRequestException", f"Query has failed: {reason}", 400)
    if state != "SUCCEEDED":
        message = f"Query did not finish successfully. Final query state: {state}"
        return error_response_json("InvalidRequestException", message, 400)
    columns = (execution.get("_results") or {}).get("columns") or []
    content = store.read(execution["ResultConfiguration"]["OutputLocation"]) if columns else b""
    if content is None:
        return error_response_json("InvalidRequestException", "The query's result is no longer in S3", 400)
    rows = _rows_of(query_id, content, len(columns))
    if execution["StatementType"] == "DML" and columns:
        rows = [columns, *rows]
    start = int(data.get("NextToken") or 0)
    end = start + data.get("MaxResults", PAGE_ROWS)
    answer = {
        "ResultSet": {
            "Rows": [
                {"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]} for row in rows[start:end]
            ],
            "ResultSetMetadata": {
                "ColumnInfo": [
                    _column_info(*column) for column in zip(columns, execution["_column_types"], strict=True)
                ]
            },
        },
        "UpdateCount": 0,
    }
    if end < len(rows):
        answer["NextToken"] = str(end)
    return json_response(answer)


# The pages of a long result are asked for one after the other.
@functools.lru_cache(maxsize=2)
def _rows_of(query_id: str, content: bytes, width: int) -> list[list[str | None]]:
    return values.from_csv(content, width)


def _column_info(name: str, athena_type: str) -> dict:
    kind, precision, scale = values.split_type(athena_type)
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": kind,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": kind == "varchar",
    }
