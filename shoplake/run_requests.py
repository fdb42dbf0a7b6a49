"""Ask the lake's dispatcher for a run: the same door that arrivals and schedules use."""

import json
from dataclasses import dataclass
from typing import Any

from shoplake.aws import client
from shoplake.config import Lake
from shoplake.errors import ShoplakeError


@dataclass(frozen=True)
class RunAnswer:
    """What the dispatcher made of a request: the run that it started, or why it started none."""

    run_id: str | None
    files: int
    waiting_for: str | None
    not_before: str | None = None
    over_budget: dict[str, Any] | None = None  # what the run would cost, where that is more than it may


def ask_dispatcher(lake: Lake, **request: Any) -> RunAnswer:
    """Send a request such as `action="run"`. Raises ShoplakeError with the dispatcher's own sentence."""
    answer = invoke(lake, request)
    if answer["error"]:
        raise ShoplakeError(answer["error"])
    del answer["error"]
    return RunAnswer(**answer)


def invoke(lake: Lake, request: dict[str, Any]) -> dict[str, Any]:
    """The dispatcher's own answer. Raises ShoplakeError where it failed."""
    name, timeout_s = lake.function_name("dispatcher"), lake.inventory.functions["dispatcher"].timeout_s
    # A while longer than the function may take: a request that was given up meanwhile would be sent a second time.
    response = client("lambda", timeout_s + 10).invoke(FunctionName=name, Payload=json.dumps(request).encode())
    answer = json.loads(response["Payload"].read())
    if response.get("FunctionError"):
        reason = answer.get("errorMessage", "it gave no reason")
        raise ShoplakeError(f"The dispatcher failed ({reason}): its log is /aws/lambda/{name}.")
    return answer
