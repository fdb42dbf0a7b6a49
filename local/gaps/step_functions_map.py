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

import copy

from ministack.services import stepfunctions

from local.gaps import hooks
from local.gaps import step_functions_history as history
from local.gaps.execution_scope import current
from local.gaps.map_run import MapRun, number, run_at_once
from local.gaps.step_functions_states import FirstFailure, output_of


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

    concurrency = int(number(state_def, "MaxConcurrency", raw_input, ctx)) or len(items) or 1
    works = [lambda index=index: first_failure.run(lambda: run_iteration(index)) for index in range(len(items))]
    run_at_once(works, concurrency)
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
    map_run = MapRun(state_def, raw_input, iterator, execution, ctx, total=len(items))
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
