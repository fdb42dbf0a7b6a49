"""Gap step_functions_history: what an execution's history tells, and how executions end early."""

import time

WAIT_LONG = {"Type": "Wait", "Seconds": 60, "End": True}


def passing(**fields):
    return {"Type": "Pass", "End": True} | fields


def parallel(*branches):
    made = [{"StartAt": next(iter(states)), "States": states} for states in branches]
    return {"Both": {"Type": "Parallel", "Branches": made, "End": True}}


def each(states, mode=None, execution_type="STANDARD"):
    config = {"ProcessorConfig": {"Mode": mode, "ExecutionType": execution_type}} if mode else {}
    processor = config | {"StartAt": next(iter(states)), "States": states}
    return {"Each": {"Type": "Map", "Items": [1, 2], "ItemProcessor": processor, "MaxConcurrency": 1, "End": True}}


def test_states_inside_branches_are_in_the_history(execute):
    events = execute(parallel({"Left": passing()}, {"Right": passing()})).events
    names = [event["stateEnteredEventDetails"]["name"] for event in events if event["type"] == "PassStateEntered"]
    assert sorted(names) == ["Left", "Right"]


def test_each_branch_follows_the_start_of_the_parallel_state(execute):
    events = execute(parallel({"Left": passing()}, {"Right": passing()})).events
    [started] = [event["id"] for event in events if event["type"] == "ParallelStateStarted"]
    assert [e["previousEventId"] for e in events if e["type"] == "PassStateEntered"] == [started, started]


def test_iterations_of_an_inline_map_are_in_the_history(execute):
    assert execute(each({"Same": passing()})).event_types == [
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        "MapIterationStarted",
        "PassStateEntered",
        "PassStateExited",
        "MapIterationSucceeded",
        "MapIterationStarted",
        "PassStateEntered",
        "PassStateExited",
        "MapIterationSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]


def test_a_distributed_map_adds_only_its_run_to_the_parents_history(execute):
    assert execute(each({"Same": passing()}, mode="DISTRIBUTED")).event_types == [
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        "MapRunStarted",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]


def test_children_of_a_distributed_map_are_listed_under_its_run(execute, aws):
    parent = execute(each({"Same": passing()}, mode="DISTRIBUTED", execution_type="EXPRESS"))
    client = aws("stepfunctions")
    [run] = client.list_map_runs(executionArn=parent.arn)["mapRuns"]
    children = client.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert [child["status"] for child in children] == ["SUCCEEDED", "SUCCEEDED"]
    counts = client.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
    assert (counts["succeeded"], counts["pending"], counts["total"]) == (2, 0, 2)


def test_a_machine_that_exceeds_its_time_limit_has_timed_out(execute):
    began = time.monotonic()
    ended = execute({"Wait": WAIT_LONG}, TimeoutSeconds=1)
    assert (ended.status, ended.event_types[-1]) == ("TIMED_OUT", "ExecutionTimedOut")
    assert time.monotonic() - began < 10


def test_stopping_an_execution_ends_its_branches(execute, eventually):
    running = execute(parallel({"Wait": WAIT_LONG}, {"Also": WAIT_LONG}), wait=False)
    eventually(lambda: running.event_types.count("WaitStateEntered") == 2)
    running.stop()
    length = len(running.events)
    time.sleep(0.5)
    assert (running.status, running.event_types[-1]) == ("ABORTED", "ExecutionAborted")
    assert len(running.events) == length


def test_stopping_an_execution_ends_the_children_of_its_distributed_map(execute, aws, eventually):
    running = execute(each({"Wait": WAIT_LONG}, mode="DISTRIBUTED"), wait=False)
    eventually(lambda: "MapRunStarted" in running.event_types)
    running.stop()
    client = aws("stepfunctions")
    [run] = client.list_map_runs(executionArn=running.arn)["mapRuns"]
    arn = run["mapRunArn"]
    eventually(lambda: client.describe_map_run(mapRunArn=arn)["status"] == "ABORTED")
    assert {e["status"] for e in client.list_executions(mapRunArn=arn)["executions"]} == {"ABORTED"}


def test_a_failed_branch_ends_the_others(execute):
    began = time.monotonic()
    ended = execute(parallel({"Wait": WAIT_LONG}, {"Bad": {"Type": "Fail", "Error": "Bad", "Cause": "x"}}))
    assert ended.description["error"] == "Bad"
    assert time.monotonic() - began < 10


def test_a_failed_iteration_ends_the_others(execute):
    states = {
        "Which?": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input = 2 %}", "Next": "Bad"}],
            "Default": "Wait",
        },
        "Wait": WAIT_LONG,
        "Bad": {"Type": "Fail", "Error": "Bad", "Cause": "x"},
    }
    machine = each(states)
    machine["Each"]["MaxConcurrency"] = 2
    ended = execute(machine)
    assert ended.description["error"] == "Bad"
    assert ended.event_types[-2:] == ["MapStateFailed", "ExecutionFailed"]
