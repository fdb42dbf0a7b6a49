# Follows MiniStack, Copyright (c) 2026 MiniStack Contributors. SPDX-License-Identifier: MIT
"""The run of a distributed Map: its record, its children, and when their failures end it."""

import contextvars
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

from ministack.services import stepfunctions

from local.gaps import step_functions_history as history
from local.gaps.execution_scope import Scope, ScopeOver, current, entered
from local.gaps.step_functions_states import FirstFailure, as_execution_error

# AWS runs up to 10,000 children when a map sets no limit; a laptop doesn't.
UNLIMITED_CHILDREN = 64
COUNTS = (
    "pending",
    "running",
    "succeeded",
    "failed",
    "timedOut",
    "aborted",
    "total",
    "resultsWritten",
    "failuresNotRedrivable",
    "pendingRedrive",
)


class MapRun:
    """One attempt of a distributed Map: its record, its children, and when failures end it."""

    def __init__(self, state_def, raw_input, iterator, execution, ctx, total):
        self._iterator = iterator
        self._execution = execution
        self._total = total
        self._failed = 0
        self._lock = threading.Lock()
        self._scope = current().child()
        self._tolerated_count = optional_number(state_def, "ToleratedFailureCount", raw_input, ctx)
        self._tolerated_percentage = optional_number(state_def, "ToleratedFailurePercentage", raw_input, ctx)
        self._max_concurrency = int(number(state_def, "MaxConcurrency", raw_input, ctx))
        config = iterator.get("ProcessorConfig") or {}
        self._keeps_history = config.get("ExecutionType", "STANDARD") == "STANDARD"
        _, _, _, self._region, self._account, _, machine = execution["stateMachineArn"].split(":", 6)
        self._family = f"{machine}/{state_def.get('Label') or stepfunctions.new_uuid()}"
        self._machine_arn = f"arn:aws:states:{self._region}:{self._account}:stateMachine:{self._family}"
        self.arn = f"arn:aws:states:{self._region}:{self._account}:mapRun:{self._family}"
        self.arn += f":{stepfunctions.new_uuid()}"
        counts = dict.fromkeys(COUNTS, 0) | {"total": total, "pending": total}
        self._record = {
            "mapRunArn": self.arn,
            "executionArn": execution["executionArn"],
            "status": "RUNNING",
            "startDate": stepfunctions.now_iso(),
            "maxConcurrency": self._max_concurrency,
            "toleratedFailurePercentage": float(self._tolerated_percentage or 0),
            "toleratedFailureCount": int(self._tolerated_count or 0),
            "itemCounts": dict(counts),
            "executionCounts": dict(counts),
            "redriveCount": 0,
            "_stateMachineArn": self._machine_arn,
        }
        stepfunctions._map_runs[self.arn] = self._record

    def run(self, run_one: Callable[[int], object]) -> list:
        """Results in the items' order; None for those that failed within what is tolerated."""
        results = [None] * self._total
        first_failure = FirstFailure(self._scope)

        def run_item(index):
            self._scope.check()
            results[index] = run_one(index)

        works = [lambda index=index: first_failure.run(lambda: run_item(index)) for index in range(self._total)]
        run_at_once(works, self._max_concurrency or min(self._total, UNLIMITED_CHILDREN) or 1)
        error = first_failure.error or self._threshold_error()
        if error is not None:
            self._end("FAILED")
            details = {"mapRunFailedEventDetails": {"error": error.error, "cause": error.cause}}
            history.add_event(self._execution, "MapRunFailed", details)
            history.add_event(self._execution, "MapStateFailed")
            raise error
        self._end("ABORTED" if self._scope.is_over else "SUCCEEDED")
        return results

    def run_child(self, child_input, parent_ctx):
        """Run one item as an execution of its own; None when it failed or was stopped."""
        child = self._new_child(child_input)
        stepfunctions._executions[child["executionArn"]] = child
        self._count("pending", "running")
        scope = Scope(child, parent=self._scope)
        history.continue_after(0)
        try:
            with entered(scope):
                output = history.run_sub_machine(
                    self._iterator["States"],
                    self._iterator["StartAt"],
                    child_input,
                    child,
                    self._child_context(child, child_input, parent_ctx),
                )
            child.update(status="SUCCEEDED", output=json.dumps(output))
        except ScopeOver:
            output = None
            child.update(status="ABORTED")
        except Exception as failure:
            output = None
            error = as_execution_error(failure)
            child.update(status="FAILED", error=error.error, cause=error.cause)
        child["stopDate"] = stepfunctions.now_iso()
        self._count("running", child["status"].lower())
        if not self._keeps_history:
            child["events"].clear()
        if child["status"] == "FAILED" and self._is_exceeded():
            self._scope.cancel()
        return output

    def _new_child(self, child_input):
        name = stepfunctions.new_uuid()
        return {
            "executionArn": f"arn:aws:states:{self._region}:{self._account}:execution:{self._family}:{name}",
            "stateMachineArn": self._machine_arn,
            "name": name,
            "status": "RUNNING",
            "startDate": stepfunctions.now_iso(),
            "stopDate": None,
            "input": json.dumps(child_input),
            "inputDetails": {"included": True},
            "output": None,
            "outputDetails": {"included": True},
            "mapRunArn": self.arn,
            "events": [],
            "testCase": self._execution.get("testCase"),
            "mockAttempts": {},
        }

    def _child_context(self, child, child_input, parent_ctx):
        """A child sees itself as the execution, and no variables from outside (AWS has none there)."""
        return {
            "QueryLanguage": parent_ctx["QueryLanguage"],
            "Execution": {
                **parent_ctx["Execution"],
                "Id": child["executionArn"],
                "Name": child["name"],
                "Input": child_input,
                "StartTime": child["startDate"],
            },
            "StateMachine": {"Id": self._machine_arn, "Name": self._family},
            "variables": {},
        }

    def _count(self, before: str, after: str) -> None:
        with self._lock:
            for counts in (self._record["itemCounts"], self._record["executionCounts"]):
                counts[before] -= 1
                counts[after] += 1
            self._failed = self._record["itemCounts"]["failed"]

    def _is_exceeded(self) -> bool:
        """Whether failures exceed a limit that the state sets; without one, any failure does."""
        if self._tolerated_count is None and self._tolerated_percentage is None:
            return self._failed > 0
        over_count = self._tolerated_count is not None and self._failed > self._tolerated_count
        percentage = self._tolerated_percentage
        over_percentage = percentage is not None and self._failed * 100 > percentage * self._total
        return over_count or over_percentage

    def _threshold_error(self) -> stepfunctions._ExecutionError | None:
        if not self._is_exceeded():
            return None
        return stepfunctions._ExecutionError(
            "States.ExceedToleratedFailureThreshold",
            "The specified tolerated failure threshold was exceeded",
        )

    def _end(self, status: str) -> None:
        for counts in (self._record["itemCounts"], self._record["executionCounts"]):
            counts["aborted"] += counts["pending"]  # never started
            counts["pending"] = 0
        self._record.update(status=status, stopDate=stepfunctions.now_iso())


def run_at_once(works: list[Callable[[], None]], concurrency: int) -> None:
    """Run all works, `concurrency` at a time, each in a copy of this thread's context."""
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        futures = [pool.submit(contextvars.copy_context().run, work) for work in works]
        wait(futures)
    for future in futures:
        future.result()


def number(state_def, field, raw_input, ctx) -> float:
    return optional_number(state_def, field, raw_input, ctx) or 0


def optional_number(state_def, field, raw_input, ctx) -> float | None:
    if field not in state_def:
        return None
    return stepfunctions._jsonata_state_field(state_def, field, "number", raw_input, ctx)
