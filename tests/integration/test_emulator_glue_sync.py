"""Gap step_functions_sync: a state machine waits for a Glue job run, and stops it when it is ended itself.

The job runs here are records that the tests change: whether jobs really run is the Glue gap's own test.
"""

import json

import pytest

START = "arn:aws:states:::glue:startJobRun"


class Jobs:
    """Stands in for the Glue gap: runs start and stay in the state that the test gives them."""

    def __init__(self) -> None:
        self.runs = {}
        self.refuse = None

    def start(self, data):
        if self.refuse:
            return 400, {}, json.dumps({"__type": self.refuse, "message": "no"}).encode()
        run_id = f"jr_{len(self.runs)}"
        self.runs[run_id] = {
            "Id": run_id,
            "JobName": data["JobName"],
            "JobRunState": "RUNNING",
            "StartedOn": 1700000000,
            "CompletedOn": None,
        }
        return 200, {}, json.dumps({"JobRunId": run_id}).encode()

    def get(self, data):
        return 200, {}, json.dumps({"JobRun": self.runs[data["RunId"]]}).encode()

    def stop(self, data):
        for run_id in data["JobRunIds"]:
            self.runs[run_id]["JobRunState"] = "STOPPED"
        return 200, {}, b"{}"

    def end(self, state, **fields):
        for run in self.runs.values():
            run.update(JobRunState=state, **fields)

    @property
    def states(self):
        return [run["JobRunState"] for run in self.runs.values()]


@pytest.fixture
def jobs(emulator, monkeypatch):
    from ministack.services import glue

    made = Jobs()
    monkeypatch.setattr(glue, "_start_job_run", made.start)
    monkeypatch.setattr(glue, "_get_job_run", made.get)
    monkeypatch.setattr(glue, "_batch_stop_job_run", made.stop)
    return made


def job_task(resource=START + ".sync", **fields):
    arguments = {"JobName": "transactions", "Arguments": {"--run_id": "r1"}}
    return {"Job": {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True} | fields}


@pytest.fixture
def running(execute, jobs, eventually):
    """A function that starts an execution and waits until its job runs."""

    def start(states, **fields):
        started = execute(states, wait=False, **fields)
        eventually(lambda: jobs.states == ["RUNNING"])
        return started

    return start


def test_the_job_run_is_the_result_with_instants_in_milliseconds(running, jobs):
    started = running(job_task())
    jobs.end("SUCCEEDED", CompletedOn=1700000002)
    run = started.wait().output
    assert (run["JobRunState"], run["CompletedOn"]) == ("SUCCEEDED", 1700000002000)


def test_a_failed_run_is_a_failed_task_with_the_run_as_its_cause(running, jobs):
    started = running(job_task())
    jobs.end("FAILED", ErrorMessage="ValueError: bad")
    ended = started.wait().description
    assert ended["error"] == "States.TaskFailed"
    assert json.loads(ended["cause"])["ErrorMessage"] == "ValueError: bad"


def test_an_error_of_the_api_is_named_after_glue(execute, jobs):
    jobs.refuse = "ConcurrentRunsExceededException"
    catch = [{"ErrorEquals": ["Glue.ConcurrentRunsExceededException"], "Output": "busy", "Next": "Done"}]
    states = job_task(Catch=catch) | {"Done": {"Type": "Succeed"}}
    assert execute(states).output == "busy"


def test_without_sync_the_task_ends_with_the_start(execute, jobs):
    assert execute(job_task(START)).output == {"JobRunId": "jr_0"}


def test_stopping_the_execution_stops_the_job_run(running, jobs, eventually):
    running(job_task()).stop()
    eventually(lambda: jobs.states == ["STOPPED"])


def test_the_tasks_time_out_stops_the_job_run(running, jobs, eventually):
    ended = running(job_task(TimeoutSeconds=1)).wait()
    assert ended.description["error"] == "States.Timeout"
    eventually(lambda: jobs.states == ["STOPPED"])


def test_the_machines_time_out_stops_the_job_run(running, jobs, eventually):
    assert running(job_task(), TimeoutSeconds=1).wait().status == "TIMED_OUT"
    eventually(lambda: jobs.states == ["STOPPED"])


def test_a_failed_sibling_branch_stops_the_job_run(running, jobs, eventually):
    pause = {"Type": "Wait", "Seconds": 1, "Next": "Bad"}
    states = {"Pause": pause, "Bad": {"Type": "Fail", "Error": "Bad", "Cause": "x"}}
    branches = [{"StartAt": "Job", "States": job_task()}, {"StartAt": "Pause", "States": states}]
    ended = running({"Both": {"Type": "Parallel", "Branches": branches, "End": True}}).wait()
    assert ended.description["error"] == "Bad"
    eventually(lambda: jobs.states == ["STOPPED"])


def test_the_history_tells_the_job_runs_id(running, jobs):
    started = running(job_task())
    jobs.end("SUCCEEDED")
    [submitted] = [event for event in started.wait().events if event["type"] == "TaskSubmitted"]
    assert json.loads(submitted["taskSubmittedEventDetails"]["output"]) == {"JobRunId": "jr_0"}
