"""Whether a deployment works: drop a small file, wait until its run's message is sent, see whether anybody reads it.

The file is one category, `shoplake-probe`, to which no product belongs, so that it goes through every step of a run and
changes no figure. Its name bears the moment, so that each probe is another file.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from shoplake.aws import client
from shoplake.config import Lake
from shoplake.errors import ShoplakeError
from shoplake.files import Files, object_id
from shoplake.run_requests import ask_dispatcher
from shoplake.runs import ENDED, SUCCEEDED, Runs

TIMEOUT_S = 1800
_POLL_S = 5


def probe(
    lake: Lake, now: datetime, tell: Callable[[str], None], timeout_s: float = TIMEOUT_S, poll_s: float = _POLL_S
) -> str:
    """The run that took the probe. Raises ShoplakeError where it failed, or nothing came of it in time."""
    deadline = time.monotonic() + timeout_s
    key = f"{lake.zone('raw')}categories/source=shop/probe-{now:%Y%m%dT%H%M%S}.csv"
    body = f"category_id,name\nshoplake-probe,Probe of {now:%Y-%m-%d %H:%M:%S} UTC\n"
    version = client("s3").put_object(Bucket=lake.bucket, Key=key, Body=body.encode())["VersionId"]
    tell(f"Dropped s3://{lake.bucket}/{key}")
    name, files, runs = object_id(key, version), Files(lake.files_table), Runs(lake.runs_table)
    _until(
        lambda: files.get(name), deadline, poll_s, f"nobody took note of it: look at the queue {lake.arrivals_queue}"
    )
    answer = ask_dispatcher(lake, action="run", at_once=True, requested_by="make deploy")
    if over := answer.over_budget:
        raise ShoplakeError(
            f"No run was started, since other files wait with the probe: {over['sentence']}. "
            f"`shoplake --env {lake.env} run --max-dollars {over['allowed_by']}` allows it this once."
        )
    what = f"no run took it: `shoplake --env {lake.env} runs` shows what the lake is doing"
    run_id = _until(lambda: (files.get(name) or {}).get("run_id"), deadline, poll_s, what)
    tell(f"Run {run_id} took it")

    def ended() -> dict[str, Any] | None:
        run = runs.get(run_id)
        return run if run and run["state"] in ENDED and "notified_at" in run else None

    run = _until(ended, deadline, poll_s, f"run {run_id} is still going: `shoplake --env {lake.env} watch {run_id}`")
    if run["state"] != SUCCEEDED:
        raise ShoplakeError(f"Run {run_id} failed: `shoplake --env {lake.env} show {run_id}` says why.")
    told = f"Run {run_id} succeeded, and its message was sent at {run['notified_at']}"
    if has_readers(lake.topic_arn("notifications")):
        tell(told)
    else:
        tell(
            f"{told}, but nobody reads it: no subscription to {lake.topic_name('notifications')} is confirmed. Give "
            f"alerts in lake.yaml, or subscribers in environments/{lake.env}.tfvars, and confirm in the e-mail from SNS"
        )
    return run_id


def has_readers(topic_arn: str) -> bool:
    """Whether a subscription is confirmed: one that isn't has `PendingConfirmation` in place of its ARN."""
    pages = client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    return any(found["SubscriptionArn"].startswith("arn:") for page in pages for found in page["Subscriptions"])


def _until(ask: Callable[[], Any], deadline: float, poll_s: float, otherwise: str) -> Any:
    """The first answer that is one. Raises ShoplakeError at the deadline."""
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise ShoplakeError(f"The probe gave up: {otherwise}.")
        time.sleep(poll_s)
    return answer
