"""Ask the lake's dispatcher for a run: the same door that arrivals and schedules use."""

import json
from dataclasses import dataclass
from typing import Any

from shoplake.aws import client
from shoplake.config import Lake
from shoplake.errors import ShoplakeError


@dataclass(frozen=True)
class RunAnswer:
    """What the dispatcher made of a request: the run that it started, or the run that holds the lake."""

    run_id: str | None
    files: int
    waiting_for: str | None


def ask_dispatcher(lake: Lake, **request: Any) -> RunAnswer:
    """Send a request such as `action="run"`. Raises ShoplakeError with the dispatcher's own sentence."""
    name = lake.function_name("dispatcher")
    response = client("lambda").invoke(FunctionName=name, Payload=json.dumps(request).encode())
    answer = json.loads(response["Payload"].read())
    if response.get("FunctionError"):
        reason = answer.get("errorMessage", "it gave no reason")
        raise ShoplakeError(f"The dispatcher failed ({reason}): its log is /aws/lambda/{name}.")
    if answer["error"]:
        raise ShoplakeError(answer["error"])
    return RunAnswer(answer["run_id"], answer["files"], answer["waiting_for"])
