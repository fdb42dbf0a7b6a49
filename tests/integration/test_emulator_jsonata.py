"""What the lake's state machine uses of JSONata works as on AWS."""

import itertools
import json
import uuid

import pytest

INVOKE = "arn:aws:states:::lambda:invoke"
READ_OBJECT = "arn:aws:states:::s3:getObject"
FAIL_ON_2 = """
    class BadItem(Exception):
        pass

    def handler(event, context):
        if event["number"] == 2:
            raise BadItem("two")
        return event["number"] * 10
"""


@pytest.fixture(scope="module")
def tenfold(function):
    return function("def handler(event, context):\n    return {'tenfold': event['number'] * 10}\n")


@pytest.fixture(scope="module")
def fails(function):
    return function("""
        class NotToday(Exception):
            pass

        def handler(event, context):
            raise NotToday("come back tomorrow")
    """)


def invoke(name, payload, **fields):
    return {
        "Type": "Task",
        "Resource": INVOKE,
        "Arguments": {"FunctionName": name, "Payload": payload},
        "Output": "{% $states.result.Payload %}",
        "End": True,
    } | fields


def test_a_task_gives_a_function_its_payload_and_unwraps_the_answer(execute, tenfold):
    ended = execute({"Call": invoke(tenfold, {"number": "{% $states.input.number %}"})}, {"number": 4})
    assert ended.output == {"tenfold": 40}


def test_assigned_variables_reach_later_states(execute, tenfold):
    call = invoke(tenfold, {"number": 2}, Next="Use", Assign={"kept": "{% $states.result.Payload.tenfold %}"})
    del call["End"]
    ended = execute({"Call": call, "Use": {"Type": "Pass", "Output": "{% $kept + 1 %}", "End": True}})
    assert ended.output == 21


def test_expressions_of_one_assign_see_the_old_values(execute):
    ended = execute(
        {
            "First": {"Type": "Pass", "Assign": {"a": 1}, "Next": "Second"},
            "Second": {"Type": "Pass", "Assign": {"a": 2, "b": "{% $a %}"}, "Next": "Last"},
            "Last": {"Type": "Pass", "Output": "{% [$a, $b] %}", "End": True},
        }
    )
    assert ended.output == [2, 1]


def test_a_catch_tells_the_state_the_error_class_and_the_message(execute, fails):
    output = {
        "state": "{% $states.context.State.Name %}",
        "error": "{% $states.errorOutput.Error %}",
        "message": "{% $parse($states.errorOutput.Cause).errorMessage %}",
    }
    catch = [{"ErrorEquals": ["States.ALL"], "Output": output, "Next": "Done"}]
    ended = execute({"Break": invoke(fails, {}, Catch=catch), "Done": {"Type": "Succeed"}})
    assert ended.output == {"state": "Break", "error": "NotToday", "message": "come back tomorrow"}


def test_a_catch_matches_by_error_class(execute, fails):
    catch = [
        {"ErrorEquals": ["OtherError"], "Next": "Wrong"},
        {"ErrorEquals": ["NotToday"], "Assign": {"seen": "{% $states.errorOutput.Error %}"}, "Next": "Right"},
    ]
    ended = execute(
        {
            "Break": invoke(fails, {}, Catch=catch),
            "Wrong": {"Type": "Fail"},
            "Right": {"Type": "Pass", "Output": "{% $seen %}", "End": True},
        }
    )
    assert ended.output == "NotToday"


@pytest.mark.parametrize(("files", "expected"), [(0, "nothing"), (3, "some")])
def test_a_choice_follows_a_condition(execute, files, expected):
    condition = {"Condition": "{% $states.input.files > 0 %}", "Output": "some", "Next": "Done"}
    ended = execute(
        {
            "Any?": {"Type": "Choice", "Choices": [condition], "Default": "None"},
            "None": {"Type": "Pass", "Output": "nothing", "Next": "Done"},
            "Done": {"Type": "Succeed"},
        },
        {"files": files},
    )
    assert ended.output == expected


def test_a_succeed_state_shapes_its_output(execute):
    assert execute({"Done": {"Type": "Succeed", "Output": {"sum": "{% 1 + 1 %}"}}}).output == {"sum": 2}


def test_a_parallel_state_has_arguments_output_and_variables(execute):
    def branch(expression):
        return {"StartAt": "B", "States": {"B": {"Type": "Pass", "Output": expression, "End": True}}}

    ended = execute(
        {
            "Both": {
                "Type": "Parallel",
                "Arguments": {"n": "{% $states.input.number * 2 %}"},
                "Branches": [branch("{% $states.input.n %}"), branch("{% $states.input.n + 1 %}")],
                "Assign": {"all": "{% $states.result %}"},
                "Output": {"sum": "{% $sum($states.result) %}"},
                "Next": "Show",
            },
            "Show": {
                "Type": "Pass",
                "Output": {"sum": "{% $states.input.sum %}", "all": "{% $all %}"},
                "End": True,
            },
        },
        {"number": 5},
    )
    assert ended.output == {"sum": 21, "all": [10, 11]}


def test_a_branch_reads_outer_variables_and_keeps_its_own_to_itself(execute):
    branch_states = {
        "Read": {"Type": "Pass", "Output": "{% $outer %}", "Assign": {"inner": 1}, "End": True},
    }
    ended = execute(
        {
            "Set": {"Type": "Pass", "Assign": {"outer": "seen"}, "Next": "Both"},
            "Both": {
                "Type": "Parallel",
                "Branches": [{"StartAt": "Read", "States": branch_states}],
                "Next": "Show",
            },
            "Show": {
                "Type": "Pass",
                "Output": {"branch": "{% $states.input[0] %}", "leaked": "{% $exists($inner) %}"},
                "End": True,
            },
        }
    )
    assert ended.output == {"branch": "seen", "leaked": False}


def test_a_failed_branch_is_caught_in_the_name_of_the_parallel_state(execute, fails):
    branches = [
        {"StartAt": "Ok", "States": {"Ok": {"Type": "Succeed"}}},
        {"StartAt": "Break", "States": {"Break": invoke(fails, {})}},
    ]
    output = "{% $states.context.State.Name & ': ' & $states.errorOutput.Error %}"
    catch = [{"ErrorEquals": ["States.ALL"], "Output": output, "Next": "Done"}]
    ended = execute(
        {
            "Transform": {"Type": "Parallel", "Branches": branches, "Catch": catch, "Next": "Done"},
            "Done": {"Type": "Succeed"},
        }
    )
    assert ended.output == "Transform: NotToday"


def test_an_inline_map_runs_each_item(execute, tenfold):
    ended = execute(
        {
            "Each": {
                "Type": "Map",
                "Items": "{% $states.input.numbers %}",
                "MaxConcurrency": 2,
                "ItemSelector": {
                    "number": "{% $states.context.Map.Item.Value %}",
                    "place": "{% $states.context.Map.Item.Index %}",
                },
                "ItemProcessor": {
                    "StartAt": "Call",
                    "States": {"Call": invoke(tenfold, {"number": "{% $states.input.number %}"})},
                },
                "Output": "{% $states.result.tenfold %}",
                "End": True,
            }
        },
        {"numbers": [1, 2, 3]},
    )
    assert ended.output == [10, 20, 30]


@pytest.fixture(scope="module")
def manifest(aws):
    """A manifest of three lines in S3: bucket and key."""
    bucket = f"manifests-{uuid.uuid4().hex[:8]}"
    aws("s3").create_bucket(Bucket=bucket)
    lines = "\n".join(json.dumps({"number": number}) for number in (1, 2, 3)) + "\n"
    aws("s3").put_object(Bucket=bucket, Key="runs/r1/manifest.jsonl", Body=lines.encode())
    return {"bucket": bucket, "key": "runs/r1/manifest.jsonl"}


def distributed(child_states, **fields):
    return {
        "Type": "Map",
        "ItemReader": {
            "Resource": READ_OBJECT,
            "ReaderConfig": {"InputType": "JSONL"},
            "Arguments": {"Bucket": "{% $states.input.bucket %}", "Key": "{% $states.input.key %}"},
        },
        "ItemSelector": {
            "number": "{% $states.context.Map.Item.Value.number %}",
            "run": "{% $states.context.Execution.Name %}",
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            "StartAt": next(iter(child_states)),
            "States": child_states,
        },
        "End": True,
    } | fields


def test_a_distributed_map_reads_its_items_from_a_jsonl_object(execute, tenfold, manifest):
    child = {"Call": invoke(tenfold, {"number": "{% $states.input.number %}"})}
    ended = execute({"Stage": distributed(child, Output="{% $sum($states.result.tenfold) %}")}, manifest)
    assert ended.output == 60


def test_the_item_selector_of_a_distributed_map_sees_the_parents_run(execute, manifest):
    child = {"Same": {"Type": "Pass", "Output": "{% $states.input.run %}", "End": True}}
    ended = execute({"Stage": distributed(child)}, manifest)
    assert ended.output == [ended.arn.split(":")[-1]] * 3


def test_a_child_of_a_distributed_map_has_no_outer_variables(execute, manifest):
    child = {"Same": {"Type": "Pass", "Output": "{% $exists($outer) %}", "End": True}}
    states = {
        "Set": {"Type": "Pass", "Assign": {"outer": 1}, "Next": "Stage"},
        "Stage": distributed(child),
    }
    assert execute(states, manifest).output == [False, False, False]


def test_a_distributed_map_runs_at_most_max_concurrency_children(execute, function, manifest):
    times = function("""
        import time

        def handler(event, context):
            began = time.time()
            time.sleep(0.3)
            return [began, time.time()]
    """)
    child = {"Call": invoke(times, {})}
    began_ended = execute({"Stage": distributed(child, MaxConcurrency=1)}, manifest).output
    in_order = sorted(began_ended)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(in_order))


def test_a_failed_child_fails_a_distributed_map_by_default(execute, function, manifest):
    child = {"Call": invoke(function(FAIL_ON_2), {"number": "{% $states.input.number %}"})}
    ended = execute({"Stage": distributed(child)}, manifest)
    assert ended.description["error"] == "States.ExceedToleratedFailureThreshold"


def test_a_distributed_map_tolerates_as_many_failures_as_it_says(execute, function, manifest):
    child = {"Call": invoke(function(FAIL_ON_2), {"number": "{% $states.input.number %}"})}
    ended = execute({"Stage": distributed(child, ToleratedFailureCount=1)}, manifest)
    assert ended.output == [10, None, 30]


def test_a_distributed_map_with_a_missing_manifest_fails_as_item_reader(execute, manifest):
    child = {"Same": {"Type": "Pass", "End": True}}
    ended = execute({"Stage": distributed(child)}, manifest | {"key": "missing"})
    assert ended.description["error"] == "States.ItemReaderFailed"


def test_more_than_256_kib_between_states_is_refused_as_on_aws(execute):
    big = "{% $pad('', 300000, 'x') %}"
    ended = execute({"Big": {"Type": "Pass", "Output": big, "Next": "Done"}, "Done": {"Type": "Succeed"}})
    assert ended.description["error"] == "States.DataLimitExceeded"
