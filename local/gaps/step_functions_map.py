# Both kinds of Map follow MiniStack, Copyright (c) 2026 MiniStack Contributors.
# SPDX-License-Identifier: MIT
"""Gap: iterations of inline Map states in the history, and JSONata in distributed ones.

The stock emulator treats a distributed Map as JSONPath whatever the query language (arguments of the item
reader, item selector, concurrency, tolerated failures, Output and Assign), shows children the parent's
context and variables, and runs all items even when the first failure has failed the map.
Here iterations of an inline Map leave events in the parent's history; items of a distributed one don't:
they are executions of their own, as on AWS, and EXPRESS children keep no history at all.
Hooks: `_run_map_items`, `_run_distributed_map`.
"""

import contextvars
import copy
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

from ministack.services import stepfunctions

from local.gaps import hooks
from local.gaps import step_functions_history as history
from local.gaps.execution_scope import Scope, ScopeOver, current, entered
from local.gaps.step_functions_states import FirstFailure, as_execution_error, output_of

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


def install() -> None:
    hooks.replace(
        stepfunctions,
        "_run_map_items",
        _run_map_items,
        parameters=("state_def", "raw_input", "execution", "ctx"),
    )
    hooks.replace(
        stepfunctions,
        "_run_distributed_map",
        _run_distributed_map,
        parameters=("state_def", "raw_input", "effective", "iterator", "execution", "ctx"),
    )


def _run_map_items(state_def, raw_input, execution, ctx):
    effective = stepfunctions._apply_input_path(state_def, raw_input, ctx)
    processor = state_def.get("ItemProcessor") or state_def.get("Iterator", {})
    if (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED":
        # Through the module, where the hook is.
        return stepfunctions._run_distributed_map(state_def, raw_input, effective, processor, execution, ctx)
    items = _items_in_input(state_def, raw_input, effective, ctx)
    name = ctx["State"]["Name"]
    results = [None] * len(items)
    scope = current().child()
    first_failure = FirstFailure(scope)
    history.add_event(execution, "MapStateStarted", {"mapStateStartedEventDetails": {"length": len(items)}})

    def run_iteration(index):
        scope.check()
        details = {"name": name, "index": index}
        history.add_event(execution, "MapIterationStarted", {"mapIterationStartedEventDetails": details})
        try:
            item_ctx = _item_context(ctx, index, items[index])
            item_input = _item_input(state_def, raw_input, effective, items[index], item_ctx)
            results[index] = history.run_sub_machine(
                processor["States"], processor["StartAt"], item_input, execution, item_ctx
            )
        except stepfunctions._ExecutionError:
            history.add_event(execution, "MapIterationFailed", {"mapIterationFailedEventDetails": details})
            raise
        succeeded = {"mapIterationSucceededEventDetails": details}
        history.add_event(execution, "MapIterationSucceeded", succeeded)

    concurrency = int(_number(state_def, "MaxConcurrency", raw_input, ctx)) or len(items) or 1
    works = [lambda index=index: first_failure.run(lambda: run_iteration(index)) for index in range(len(items))]
    _run_at_once(works, concurrency)
    current().check()
    if first_failure.error is not None:
        history.add_event(execution, "MapStateFailed")
        raise first_failure.error
    history.add_event(execution, "MapStateSucceeded")
    return output_of(state_def, raw_input, ctx, results)


def _run_distributed_map(state_def, raw_input, effective, iterator, execution, ctx):
    if state_def.get("ResultWriter"):
        raise stepfunctions._ExecutionError(
            "States.Runtime", "The local lake has no ResultWriter: let each child write its own result."
        )
    if state_def.get("ItemReader"):
        reader = _resolved_reader(state_def, raw_input, ctx)
        items = stepfunctions._read_map_items(reader, effective, ctx)
    else:
        items = _items_in_input(state_def, raw_input, effective, ctx)
    map_run = _MapRun(state_def, raw_input, iterator, execution, ctx, total=len(items))
    history.add_event(execution, "MapStateStarted", {"mapStateStartedEventDetails": {"length": len(items)}})
    history.add_event(execution, "MapRunStarted", {"mapRunStartedEventDetails": {"mapRunArn": map_run.arn}})

    def run_child(index):
        item_ctx = _item_context(ctx, index, items[index])
        item_input = _item_input(state_def, raw_input, effective, items[index], item_ctx)
        return map_run.run_child(item_input, ctx)

    results = map_run.run(run_child)
    current().check()
    history.add_event(execution, "MapRunSucceeded")
    history.add_event(execution, "MapStateSucceeded")
    return output_of(state_def, raw_input, ctx, results)


class _MapRun:
    """One attempt of a distributed Map: its record, its children, and when failures end it."""

    def __init__(self, state_def, raw_input, iterator, execution, ctx, total):
        self._iterator = iterator
        self._execution = execution
        self._total = total
        self._failed = 0
        self._lock = threading.Lock()
        self._scope = current().child()
        self._tolerated_count = _optional_number(state_def, "ToleratedFailureCount", raw_input, ctx)
        self._tolerated_percentage = _optional_number(state_def, "ToleratedFailurePercentage", raw_input, ctx)
        self._max_concurrency = int(_number(state_def, "MaxConcurrency", raw_input, ctx))
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
        """Results in the items' order. Raises States.ExceedToleratedFailureThreshold."""
        results = [None] * self._total

        def work(index):
            with entered(self._scope):
                if not self._scope.is_over:
                    results[index] = run_one(index)

        concurrency = self._max_concurrency or min(self._total, UNLIMITED_CHILDREN) or 1
        _run_at_once([lambda index=index: work(index) for index in range(self._total)], concurrency)
        if self._is_exceeded():
            self._end("FAILED")
            error = "States.ExceedToleratedFailureThreshold"
            cause = "The specified tolerated failure threshold was exceeded"
            details = {"mapRunFailedEventDetails": {"error": error, "cause": cause}}
            history.add_event(self._execution, "MapRunFailed", details)
            history.add_event(self._execution, "MapStateFailed")
            raise stepfunctions._ExecutionError(error, cause)
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

    def _end(self, status: str) -> None:
        self._record.update(status=status, stopDate=stepfunctions.now_iso())


def _run_at_once(works: list[Callable[[], None]], concurrency: int) -> None:
    """Run all works, `concurrency` at a time, each in a copy of this thread's context."""
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        futures = [pool.submit(contextvars.copy_context().run, work) for work in works]
        wait(futures)
    for future in futures:
        future.result()


def _items_in_input(state_def, raw_input, effective, ctx) -> list:
    is_jsonata = stepfunctions._state_query_language(state_def, ctx) == "JSONata"
    if is_jsonata and "Items" in state_def:
        return stepfunctions._jsonata_state_field(state_def, "Items", "array", raw_input, ctx)
    items = stepfunctions._resolve_path_or_ctx(state_def.get("ItemsPath", "$"), effective, ctx)
    return items if isinstance(items, list) else [items]


def _item_context(ctx, index, item):
    own = {**ctx, "variables": copy.deepcopy(ctx.get("variables", {}))}
    return own | {"Map": {"Item": {"Index": index, "Value": item}}}


def _item_input(state_def, raw_input, effective, item, item_ctx):
    selector = state_def.get("ItemSelector") or state_def.get("Parameters")
    if not selector:
        return item
    if stepfunctions._state_query_language(state_def, item_ctx) == "JSONata":
        return stepfunctions._apply_jsonata_template(selector, raw_input, item_ctx)
    return stepfunctions._resolve_params_obj(selector, effective, item_ctx)


def _resolved_reader(state_def, raw_input, ctx):
    """The item reader with its JSONata expressions evaluated."""
    reader = state_def["ItemReader"]
    if stepfunctions._state_query_language(state_def, ctx) != "JSONata":
        return reader
    return {**reader} | {
        field: stepfunctions._apply_jsonata_template(reader[field], raw_input, ctx)
        for field in ("Arguments", "ReaderConfig")
        if field in reader
    }


def _number(state_def, field, raw_input, ctx) -> float:
    return _optional_number(state_def, field, raw_input, ctx) or 0


def _optional_number(state_def, field, raw_input, ctx) -> float | None:
    if field not in state_def:
        return None
    return stepfunctions._jsonata_state_field(state_def, field, "number", raw_input, ctx)
