"""Alarms and dashboards as `monitoring/` declares them, and the schedule that measures the lake between runs.

Those of the lake that are no longer declared are deleted.
"""

from typing import Any

from local.provision.account import Account, found
from shoplake.aws import client
from shoplake.monitoring import Alarm, Monitoring

_MOST_DELETED_AT_ONCE = 100


def provision(account: Account) -> None:
    declared = Monitoring(account.lake)
    _ensure_alarms(account, declared)
    _ensure_dashboards(account, declared)
    account.ensure_schedule("measure", account.lake.inventory.monitoring.measure, "measure_lake", {})


def _ensure_alarms(account: Account, declared: Monitoring) -> None:
    cloudwatch = client("cloudwatch")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=account.lake.prefix)
    present = {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}
    wanted = {declared.alarm_name(alarm): _wanted(account, alarm) for alarm in declared.alarms}
    for name, fields in wanted.items():

        def put(name=name, fields=fields) -> None:
            cloudwatch.put_metric_alarm(AlarmName=name, **fields)

        account.ensure(f"alarm {name}", present.get(name), fields, create=put, update=put)
    gone = [name for name in present if name not in wanted]
    for first in range(0, len(gone), _MOST_DELETED_AT_ONCE):
        cloudwatch.delete_alarms(AlarmNames=gone[first : first + _MOST_DELETED_AT_ONCE])
    for name in gone:
        account.changed(f"deleted alarm {name}")


def _wanted(account: Account, alarm: Alarm) -> dict[str, Any]:
    """The alarm as PutMetricAlarm takes it and DescribeAlarms gives it."""
    namespace, metric = alarm.metric
    return {
        "AlarmDescription": alarm.description,
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in alarm.dimensions.items()],
        "Statistic": alarm.statistic,
        "Period": alarm.period_s,
        "EvaluationPeriods": alarm.periods,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison,
        "TreatMissingData": alarm.missing,
        "AlarmActions": [account.lake.topic_arn(alarm.email)] if alarm.email else [],
    }


def _ensure_dashboards(account: Account, declared: Monitoring) -> None:
    cloudwatch = client("cloudwatch")
    pages = cloudwatch.get_paginator("list_dashboards").paginate(DashboardNamePrefix=account.lake.prefix)
    present = [entry["DashboardName"] for page in pages for entry in page["DashboardEntries"]]
    for name, body in declared.dashboards.items():

        def put(name=name, body=body) -> None:
            cloudwatch.put_dashboard(DashboardName=name, DashboardBody=body)

        stored = found(cloudwatch.get_dashboard, "ResourceNotFound", DashboardName=name) if name in present else None
        account.ensure(f"dashboard {name}", stored, {"DashboardBody": body}, create=put, update=put)
    gone = [name for name in present if name not in declared.dashboards]
    if gone:
        cloudwatch.delete_dashboards(DashboardNames=gone)
    for name in gone:
        account.changed(f"deleted dashboard {name}")
