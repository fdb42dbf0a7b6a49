"""Gap: metrics of Athena's queries, namespace AWS/Athena, of workgroups that publish them.

The stock emulator has none. Hook: `athena._execute_query`, after the gap `athena` has replaced it.
"""

from ministack.services import athena, cloudwatch

from local.gaps import hooks

STATES = {"SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED", "CANCELLED": "CANCELED"}  # AWS writes it so


def install() -> None:
    global _execute
    _execute = hooks.replace(
        athena,
        "_execute_query",
        _execute_query,
        parameters=("query_id", "query", "database", "ddl", "catalog"),
    )


async def _execute_query(query_id, query, database, ddl, catalog=None):
    await _execute(query_id, query, database, ddl, catalog)
    execution = athena._executions.get(query_id) or {}
    workgroup = athena._workgroups.get(execution.get("WorkGroup")) or {}
    state = execution.get("Status", {}).get("State")
    if state not in STATES or not (workgroup.get("Configuration") or {}).get("PublishCloudWatchMetricsEnabled"):
        return
    statistics = execution["Statistics"]
    dimensions = {
        "WorkGroup": execution["WorkGroup"],
        "QueryState": STATES[state],
        "QueryType": execution.get("StatementType", "DML"),
    }
    scanned = statistics.get("DataScannedInBytes", 0)
    cloudwatch.record_metric("AWS/Athena", "ProcessedBytes", scanned, "Bytes", dimensions)
    milliseconds = statistics.get("TotalExecutionTimeInMillis", 0)
    cloudwatch.record_metric("AWS/Athena", "TotalExecutionTime", milliseconds, "Milliseconds", dimensions)
