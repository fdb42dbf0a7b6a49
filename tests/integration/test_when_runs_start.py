"""When files that wait become a run: intervals, caps, budgets, requests by event, and many who ask at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib.util import module_from_spec
from threading import Barrier
from zipimport import zipimporter

import pytest
from typer.testing import CliRunner

from cli import run_commands
from cli.main import app
from cli.reports import standing_of
from shoplake import run_requests
from shoplake.aws import client
from shoplake.closing import close_dead_run, return_files
from shoplake.dispatch import Dispatcher, Wish
from shoplake.dynamodb import Update, update_many
from shoplake.files import ACCEPTED, CLAIMED, HELD, RECEIVED, Files
from shoplake.manifest import read_manifest
from shoplake.notices import tell_of_held_files
from shoplake.runs import SUCCEEDED, Runs
from shoplake.times import iso, now
from tests.integration.small_lake import changed, drop, empty, letters_to, small_lake

AT_ONCE = Wish(at_once=True)
AT = "2025-01-15T08:00:00.000Z"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return tmp_path_factory.mktemp("build")


@pytest.fixture(scope="module")
def whole_lake(emulator, built):
    return small_lake("starts", built)


@pytest.fixture(scope="module")
def dispatcher_function(whole_lake, built):
    """The module of the function's handler, from its zip as it is deployed."""
    found = zipimporter(str(built / "functions/dispatcher.zip")).find_spec("handler")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def letters(whole_lake):
    return letters_to("starts-mail", whole_lake)


@pytest.fixture
def lake(whole_lake, letters):
    """An empty lake, before anybody has written."""
    yield whole_lake
    empty(whole_lake)
    letters()


@pytest.fixture
def door(lake, dispatcher_function, monkeypatch):
    """The dispatcher function, called with an event; its lake has these settings."""

    def call(event, **settings):
        monkeypatch.setattr(dispatcher_function, "load_lake", lambda: changed(lake, **settings))
        return dispatcher_function.handler(event, Context())

    return call


class Context:
    """What Lambda tells a function of itself."""

    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "test"


def arrive(lake, *names: str, body: bytes = b"x") -> list[str]:
    """Files that are recorded; their names in the table."""
    return [Dispatcher(lake).record(*drop(lake, name, body)).object_id for name in names]


def end(lake, run_id: str) -> None:
    """The run ends well, as far as the dispatcher can see."""
    files = {file.object_id: ACCEPTED for file in read_manifest(lake, run_id)}
    Files(lake.files_table).settle(files, run_id)
    Runs(lake.runs_table).update(run_id, state=SUCCEEDED, notified_at="x")
    client("stepfunctions").stop_execution(executionArn=lake.execution_arn(run_id))
    Runs(lake.runs_table).release_lock(run_id)


def run_of_one_file(lake, name: str, at) -> str:
    arrive(lake, name)
    run_id = Dispatcher(lake).start_waiting(at, wish=AT_ONCE).run_id
    end(lake, run_id)
    return run_id


def test_files_wait_until_the_interval_since_the_last_run_began_is_over(lake):
    slow, began = changed(lake, min_interval_s=900), now()
    run_of_one_file(lake, "a.csv", began)
    arrive(lake, "b.csv")
    early = Dispatcher(slow).start_waiting(began + timedelta(seconds=899))
    assert (early.run_id, early.not_before) == (None, iso(began + timedelta(seconds=900)))
    assert Dispatcher(slow).start_waiting(began + timedelta(seconds=900)).files == 1


def test_the_first_run_of_a_lake_need_not_wait(lake):
    arrive(lake, "a.csv")
    assert Dispatcher(changed(lake, min_interval_s=900)).start_waiting(now()).files == 1


@pytest.mark.parametrize("request_", [{"action": "run", "at_once": True}, {"action": "sweep"}])
def test_what_a_person_or_the_daily_schedule_asks_for_starts_at_once(lake, door, request_):
    run_of_one_file(lake, "a.csv", now())
    arrive(lake, "b.csv")
    assert door({"action": "run"}, min_interval_s=900)["run_id"] is None
    assert door(request_, min_interval_s=900)["files"] == 1


def test_a_replay_starts_at_once(lake, door):
    first = run_of_one_file(lake, "a.csv", now())
    assert door({"action": "replay", "run_id": first}, min_interval_s=900)["files"] == 1


def test_status_says_when_the_next_run_may_start(lake):
    slow, began = changed(lake, min_interval_s=900), now()
    run_of_one_file(lake, "a.csv", began)
    assert standing_of(slow)["next_run"] is None
    arrive(lake, "b.csv")
    assert standing_of(slow)["next_run"]["not_before"] == iso(began + timedelta(seconds=900))
    assert standing_of(lake)["next_run"] is None


def test_a_burst_beyond_the_cap_makes_full_runs_at_once_and_the_rest_waits_for_the_interval(lake):
    capped, at = changed(lake, {"max_files_per_run": 2}, min_interval_s=900), now()
    files = arrive(lake, *(f"{n}.csv" for n in range(5)))
    runs = []
    for _ in range(2):
        started = Dispatcher(capped).start_waiting(at)
        assert started.files == 2
        runs.append(started.run_id)
        end(lake, started.run_id)
    rest = Dispatcher(capped).start_waiting(at)
    assert rest.not_before == iso(at + timedelta(seconds=900))
    last = Dispatcher(capped).start_waiting(at + timedelta(seconds=900)).run_id
    assert [file.object_id for run in [*runs, last] for file in read_manifest(lake, run)] == files


def test_a_burst_beyond_the_cap_of_bytes_is_cut_too_but_one_file_always_goes(lake):
    arrive(lake, "a.csv", "b.csv", body=b"x" * 600_000)
    arrive(lake, "c.csv", body=b"x" * 1_200_000)
    capped, taken = changed(lake, {"max_mb_per_run": 1}), []
    while (started := Dispatcher(capped).start_waiting(now())).run_id:
        taken.append(started.files)
        end(lake, started.run_id)
    assert taken == [1, 1, 1]


def test_a_run_over_its_budget_is_not_started_and_says_how_to_allow_it(lake, letters):
    files = arrive(lake, "a.csv", "b.csv")
    poor = changed(lake, max_dollars=0.01)
    started = Dispatcher(poor).start_waiting(now())
    assert started.run_id is None
    assert started.over_budget.estimate.files == 2
    items = Files(lake.files_table).get_many(files).values()
    assert {item["state"] for item in items} == {RECEIVED}
    (letter,) = letters()
    assert letter["TopicArn"] == lake.topic_arn("cost")
    assert letter["Subject"] == "[shoplake starts] run not started: about $0.19, over max_dollars"
    assert "2 files (0.0 MB) would cost about $0.19, and a run may cost $0.01." in letter["Message"]
    assert "shoplake --env starts run --max-dollars 0.20" in letter["Message"]
    assert "raise max_dollars of environment starts in lake.yaml" in letter["Message"]


def test_the_budget_is_told_once_a_day_and_anew_for_other_files(lake, letters):
    files, at, poor = arrive(lake, "a.csv"), now(), Dispatcher(changed(lake, max_dollars=0.01))
    poor.start_waiting(at)
    arrive(lake, "b.csv")
    poor.start_waiting(at)
    assert len(letters()) == 1
    poor.start_waiting(at + timedelta(days=1))
    assert len(letters()) == 1
    Files(lake.files_table).discard(files[0], "ann", "now", "")
    poor.start_waiting(at)
    assert len(letters()) == 1


def test_a_budget_given_for_one_run_allows_that_run_alone(lake, door, letters):
    arrive(lake, "a.csv")
    assert door({"action": "run", "max_dollars": 0.03}, max_dollars=0.01)["run_id"] is None
    allowed = door({"action": "run", "max_dollars": 0.2}, max_dollars=0.01)
    assert allowed["files"] == 1
    end(lake, allowed["run_id"])
    arrive(lake, "b.csv")
    assert door({"action": "run"}, max_dollars=0.01)["over_budget"]["files"] == 1


def test_a_replay_over_its_budget_is_refused_with_the_command_that_allows_it(lake, door, monkeypatch):
    first = run_of_one_file(lake, "a.csv", now())
    poor = {"max_dollars": 0.01}
    answer = door({"action": "replay", "run_id": first}, **poor)
    assert (answer["run_id"], answer["over_budget"]["allowed_by"]) == (None, "0.20")
    assert door({"action": "replay", "run_id": first, "max_dollars": 0.2}, **poor)["files"] == 1


def test_status_says_what_a_run_would_cost_that_is_not_started(lake):
    arrive(lake, "a.csv")
    said = standing_of(changed(lake, max_dollars=0.01))["next_run"]["sentence"]
    assert said == (
        "not started: 1 file (0.0 MB) would cost about $0.19, and a run may cost $0.01; "
        "`shoplake --env starts run --max-dollars 0.20` allows it once"
    )


@pytest.fixture
def run_command(lake, door, monkeypatch):
    """`shoplake run`, as if the lake were the one at hand and had these settings."""

    def call(*options, **settings):
        monkeypatch.setattr(run_commands, "connect", lambda env: lake)
        monkeypatch.setattr(run_requests, "invoke", lambda lake, request: door(request, **settings))
        return CliRunner().invoke(app, ["run", *options])

    return call


def test_the_run_command_says_what_a_refused_run_would_cost_and_fails(lake, run_command):
    arrive(lake, "a.csv")
    done = run_command(max_dollars=0.01)
    assert (done.exit_code, done.stderr) == (
        1,
        "No run was started: 1 file (0.0 MB) would cost about $0.19, and a run may cost $0.01. "
        "`shoplake --env starts run --max-dollars 0.20` allows it this once.\n",
    )
    assert "has started, files: 1." in run_command("--max-dollars", "0.20", max_dollars=0.01).stdout


def test_the_run_command_names_held_files_where_nothing_waits(lake, run_command):
    assert run_command().stdout == "No file waits: `shoplake --env starts drop DATASET FILE` brings one.\n"
    hold(lake, *arrive(lake, "a.csv"))
    assert run_command().stdout == (
        "No file waits, but 1 file is held: `shoplake --env starts status` lists them, replay or discard them.\n"
    )


def hold(lake, *files: str) -> None:
    Files(lake.files_table).claim(files, "2025-01-15-0001")
    Files(lake.files_table).give_back(dict.fromkeys(files, HELD), "2025-01-15-0001", "it broke", iso(now()))


def test_held_files_are_told_of_once_a_day(lake, letters):
    assert tell_of_held_files(lake, now()) is False
    hold(lake, *arrive(lake, "a.csv"))
    at = now()
    told = [tell_of_held_files(lake, when) for when in (at, at, at + timedelta(days=1))]
    assert told == [True, False, True]
    letter = letters()[0]
    assert letter["Subject"] == "[shoplake starts] 1 file held: replay or discard"
    assert "raw/transactions/a.csv (run 2025-01-15-0001, since " in letter["Message"]
    assert "shoplake --env starts discard RUN" in letter["Message"]


def test_the_daily_schedule_tells_of_held_files_though_nothing_else_happens(lake, door, letters):
    hold(lake, *arrive(lake, "a.csv"))
    assert door({"action": "sweep"})["run_id"] is None
    assert [letter["Subject"] for letter in letters()] == ["[shoplake starts] 1 file held: replay or discard"]


def event(**detail) -> dict:
    return {"id": "e-1", "source": "shoplake.starts", "detail-type": "shoplake.run.requested", "detail": detail}


def test_an_event_starts_a_run_in_the_name_of_who_asked(lake, door):
    run_of_one_file(lake, "a.csv", now())
    arrive(lake, "b.csv")
    answer = door(event(action="run", requested_by="the shop's export"), min_interval_s=900)
    assert Runs(lake.runs_table).get(answer["run_id"])["requested_by"] == "the shop's export"


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ({"action": "replay", "run_id": "2000-01-01-0009"}, "There is no run 2000-01-01-0009"),
        ({"action": "replay"}, "A replay needs run_id"),
        ({"action": "rnu"}, "An event may ask for run or replay, not for 'rnu'."),
        ({"action": "sweep"}, "An event may ask for run or replay, not for 'sweep'."),
        ({"action": "run", "max_dollars": "five"}, "The request's max_dollars is 'five'"),
    ],
)
def test_an_event_that_cannot_be_served_becomes_one_email(lake, door, letters, detail, said):
    for _ in range(2):
        assert said in door(event(**detail))["error"]
    (letter,) = letters()
    assert letter["Subject"] == "[shoplake starts] request for a run refused"
    assert said in letter["Message"]


def test_a_replay_by_event_while_a_run_goes_is_told_of_and_not_forgotten(lake, door, letters):
    first = run_of_one_file(lake, "a.csv", now())
    arrive(lake, "b.csv")
    going = Dispatcher(lake).start_waiting(now()).run_id
    door(event(action="replay", run_id=first, requested_by="ann"))
    (letter,) = letters()
    assert f"replay {first} for ann: run {going} is going; ask again when it has ended." in letter["Message"]


def test_dispatchers_at_the_same_time_start_one_run_with_every_file_once(lake):
    askers, files = 6, [drop(lake, f"{n}.csv") for n in range(30)]
    barrier = Barrier(askers)

    def ask(number: int):
        """Each is told of ten files, half of which its neighbour is told of too."""
        dispatcher = Dispatcher(lake, close_dead_run)
        barrier.wait()
        told = files[number * 5 : number * 5 + 10]
        recorded = [file for file in (dispatcher.record(*one) for one in told) if file]
        return dispatcher.start_waiting(now(), recorded)

    runs: list[str] = []
    with ThreadPoolExecutor(askers) as pool:
        started = list(pool.map(ask, range(askers)))
    while (run_id := next((s.run_id for s in started if s.run_id), None)) is not None:
        assert [s.run_id for s in started].count(None) == len(started) - 1
        assert {s.waiting_for for s in started if s.run_id is None} <= {run_id, None}
        runs.append(run_id)
        end(lake, run_id)
        started = [Dispatcher(lake).start_waiting(now())]
    taken = [file.object_id for run in runs for file in read_manifest(lake, run)]
    assert sorted(taken) == sorted("#".join(file) for file in files)


def test_dispatchers_that_race_for_what_waits_start_one_run(lake):
    files, askers = arrive(lake, *(f"{n}.csv" for n in range(20))), 8
    barrier = Barrier(askers)

    def ask(_):
        barrier.wait()
        return Dispatcher(lake, close_dead_run).start_waiting(now())

    with ThreadPoolExecutor(askers) as pool:
        started = list(pool.map(ask, range(askers)))
    (run,) = [s for s in started if s.run_id]
    assert run.files == 20
    assert {file.object_id for file in read_manifest(lake, run.run_id)} == set(files)
    items = Files(lake.files_table).get_many(files).values()
    assert {(item["state"], item["run_id"]) for item in items} == {(CLAIMED, run.run_id)}


def test_a_hundred_and_more_claims_leave_out_exactly_the_files_that_no_longer_wait(lake):
    table = Files(lake.files_table)
    names = [f"raw/transactions/{n}.csv#v" for n in range(230)]
    known = {"state": RECEIVED, "waiting": RECEIVED, "waiting_since": "x", "attempts": 0}
    update_many(table.table, [Update({"object_id": name}, known) for name in names])
    gone = {names[5], names[105], names[229]}
    table.settle(dict.fromkeys(gone, ACCEPTED), "earlier")
    assert table.claim(names, "r") == set(names) - gone
    assert table.claim(names, "r") == set(names) - gone  # a claim whose answer was lost is repeated
    assert {item["run_id"] for item in table.get_many(sorted(gone)).values()} == {"earlier"}


def test_three_thousand_files_make_one_run_whose_input_is_small(lake):
    names = [f"raw/transactions/{n:04d}.csv#v{n}" for n in range(3000)]
    waits = {"state": RECEIVED, "waiting": RECEIVED, "attempts": 0, "dataset": "transactions", "size": 100, "etag": "e"}
    arrivals = [
        Update({"object_id": name}, {**waits, "key": key, "version_id": version, "arrived_at": AT, "waiting_since": AT})
        for name in names
        for key, version in [name.split("#")]
    ]
    update_many(lake.files_table, arrivals)
    started = Dispatcher(lake).start_waiting(now())
    assert started.files == 3000
    assert [file.object_id for file in read_manifest(lake, started.run_id)] == names
    execution = client("stepfunctions").describe_execution(executionArn=lake.execution_arn(started.run_id))
    assert len(execution["input"]) < 1000
    assert return_files(lake, started.run_id, RECEIVED, "it died") is False
    assert len(Files(lake.files_table).waiting(RECEIVED)) == 3000
