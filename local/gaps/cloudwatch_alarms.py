"""Gap: CloudWatch alarms.

The stock emulator looks at an alarm only when some metric is put, mixes all dimensions of a metric, and
never comes back to OK by itself. Here each alarm is evaluated on its own dimensions every few seconds, with
the periods that it asks for and what it makes of missing data; actions follow a change of state alone; and
an e-mail reads as AWS's does. Hooks: `cloudwatch._evaluate_alarm` and `_dispatch_alarm_actions`; a loop.

A period ends now, where AWS's ends with the minute: an alarm shows up to a minute earlier than on AWS.
"""

import contextvars
import json
import logging
import operator
import threading
import time
from datetime import UTC, datetime

from ministack.core.responses import _request_account_id, _request_region, get_account_id, get_region, new_uuid
from ministack.services import cloudwatch, sns

from local.gaps import hooks

EVALUATE_EVERY_S = 5
# By the operator's name: the comparison, and how AWS words it.
COMPARISONS = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
WORD_OF_MISSING = {"breaching": "Breaching", "notBreaching": "NonBreaching"}

logger = logging.getLogger(__name__)

_stopped = threading.Event()
_evaluating = threading.RLock()  # a state changes once: requests and the loop may meet


def install() -> None:
    hooks.replace(cloudwatch, "_evaluate_alarm", evaluate, parameters=("alarm",))
    parameters = ("alarm", "old_state", "new_state", "reason")
    hooks.replace(cloudwatch, "_dispatch_alarm_actions", _dispatch_alarm_actions, parameters=parameters)
    hooks.require(cloudwatch, "_stat_value", parameters=("stats", "stat_name", "points"))
    hooks.require(cloudwatch, "_calc_stats", parameters=("points",))
    hooks.require(cloudwatch, "_dims_key", parameters=("dims",))
    hooks.require(cloudwatch, "_evaluate_all_alarms", parameters=())
    hooks.require(
        cloudwatch,
        "_record_history",
        parameters=("alarm_name", "old_state", "new_state", "reason", "alarm_type", "reason_data"),
    )
    _stopped.clear()
    threading.Thread(target=_loop, name="alarms", daemon=True).start()


def shut_down() -> None:
    _stopped.set()


def in_each_scope(keys: list[tuple], work) -> None:
    """Call `work()` in the scope of each account and region that the scoped keys name."""

    def enter(account: str, region: str) -> None:
        _request_account_id.set(account)
        _request_region.set(region)
        work()

    for account, region in sorted({key[:2] for key in keys}):
        contextvars.copy_context().run(enter, account, region)


def _loop() -> None:
    while not _stopped.wait(EVALUATE_EVERY_S):
        in_each_scope(list(cloudwatch._alarms._data), cloudwatch._evaluate_all_alarms)


def evaluate(alarm: dict) -> None:
    """Bring one alarm to the state that its metric's last periods ask for."""
    if not alarm.get("MetricName") or alarm["ComparisonOperator"] not in COMPARISONS:
        return
    with _evaluating:
        # Somebody may have put the alarm anew, or deleted it, since the caller took it from the list.
        if cloudwatch._alarms.get(alarm["AlarmName"]) is not alarm:
            return
        old = alarm["StateValue"]
        new, reason = _state_of(alarm)
        if new == old:
            return
        alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
        cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
        cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
        cloudwatch._evaluate_parent_alarms(alarm)


def _state_of(alarm: dict) -> tuple[str, str]:
    """The state and AWS's words for the reason."""
    wanted = alarm["EvaluationPeriods"]
    needed = alarm.get("DatapointsToAlarm") or wanted
    missing = alarm.get("TreatMissingData", "missing")
    compare, words = COMPARISONS[alarm["ComparisonOperator"]]
    points = _datapoints(alarm)
    known = [point for point in points if point is not None]
    if not known and missing == "ignore":
        return alarm["StateValue"], alarm["StateReason"]
    if not known and missing == "missing":
        return "INSUFFICIENT_DATA", f"Insufficient Data: {_count(wanted, 'datapoint')} were unknown."
    breaching = [value for value, _ in known if compare(value, alarm["Threshold"])]
    silent = wanted - len(known)
    bad = len(breaching) + (silent if missing == "breaching" else 0)
    state = "ALARM" if bad >= needed else "OK"
    if not known:
        treated = f"{_count(silent, 'missing datapoint')} treated as [{WORD_OF_MISSING[missing]}]"
        return state, f"Threshold Crossed: no datapoints were received for {_count(wanted, 'period')} and {treated}."
    shown = ", ".join(f"{value} ({datetime.fromtimestamp(at, UTC):%d/%m/%y %H:%M:%S})" for value, at in known)
    verb = words if state == "ALARM" else f"not {words}"
    return state, (
        f"Threshold Crossed: {len(known)} out of the last {_count(wanted, 'datapoint')} [{shown}] was {verb} the "
        f"threshold ({alarm['Threshold']}) (minimum {_count(needed, 'datapoint')} for OK -> ALARM transition)."
    )


def _datapoints(alarm: dict) -> list[tuple[float, float] | None]:
    """Value and beginning of each period, the newest first; None for a period without data."""
    dimensions = {d["Name"]: d["Value"] for d in alarm.get("Dimensions") or []}
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    values = list(cloudwatch._metrics.get(key) or [])
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    period_s, now, found = alarm["Period"], time.time(), []
    for number in range(alarm["EvaluationPeriods"]):
        end = now - number * period_s
        inside = [v for v in values if end - period_s < v["Timestamp"] <= end]
        value = cloudwatch._stat_value(cloudwatch._calc_stats(inside), statistic, inside) if inside else None
        found.append(None if value is None else (value, end - period_s))
    return found


def _dispatch_alarm_actions(alarm: dict, old_state: str, new_state: str, reason: str) -> None:
    """Tell the SNS topics of the new state: subscribers get AWS's JSON, e-mail AWS's text."""
    if not alarm.get("ActionsEnabled", True):
        return
    for topic_arn in alarm.get(ACTIONS[new_state]) or []:
        if not cloudwatch._is_sns_action_arn(topic_arn):
            continue
        message = {
            "default": json.dumps(_payload(alarm, old_state, new_state, reason)),
            "email": _letter(alarm, old_state, new_state, reason),
        }
        subject = f'{new_state}: "{alarm["AlarmName"]}" in {get_region()}'[:99]
        try:
            sns._fanout(topic_arn, new_uuid(), json.dumps(message), subject, message_structure="json")
        except Exception:  # one action that fails must not keep the others, or the next alarm, from being told
            logger.exception("The alarm %s could not be told to %s", alarm["AlarmName"], topic_arn)


def _payload(alarm: dict, old_state: str, new_state: str, reason: str) -> dict:
    named = ("MetricName", "Namespace", "Statistic", "Unit", "Period", "EvaluationPeriods", "ComparisonOperator")
    return {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription", ""),
        "AWSAccountId": get_account_id(),
        "NewStateValue": new_state,
        "NewStateReason": reason,
        "StateChangeTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000+0000}",
        "Region": get_region(),
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": old_state,
        "Trigger": {
            **{name: alarm.get(name) for name in (*named, "Threshold", "TreatMissingData")},
            "Dimensions": [{"name": d["Name"], "value": d["Value"]} for d in alarm.get("Dimensions") or []],
        },
    }


def _letter(alarm: dict, old_state: str, new_state: str, reason: str) -> str:
    at = f"{datetime.now(UTC):%A %d %B, %Y %H:%M:%S} UTC"
    dimensions = ", ".join(f"{d['Name']} = {d['Value']}" for d in alarm.get("Dimensions") or [])
    needed = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]
    rule = (
        f"{alarm['ComparisonOperator']} {alarm['Threshold']} for at least {needed} of the last "
        f"{alarm['EvaluationPeriods']} period(s) of {alarm['Period']} seconds"
    )
    return f"""\
You are receiving this email because your Amazon CloudWatch Alarm "{alarm["AlarmName"]}" in the {get_region()} region \
has entered the {new_state} state, because "{reason}" at "{at}".

Alarm Details:
- Name:                       {alarm["AlarmName"]}
- Description:                {alarm.get("AlarmDescription", "")}
- State Change:               {old_state} -> {new_state}
- Reason for State Change:    {reason}
- Timestamp:                  {at}
- AWS Account:                {get_account_id()}
- Alarm Arn:                  {alarm["AlarmArn"]}

Threshold:
- The alarm is in the ALARM state when the metric is {rule}.

Monitored Metric:
- MetricNamespace:            {alarm["Namespace"]}
- MetricName:                 {alarm["MetricName"]}
- Dimensions:                 [{dimensions}]
- Period:                     {alarm["Period"]} seconds
- Statistic:                  {alarm.get("ExtendedStatistic") or alarm.get("Statistic")}
- TreatMissingData:           {alarm.get("TreatMissingData", "missing")}
"""


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
