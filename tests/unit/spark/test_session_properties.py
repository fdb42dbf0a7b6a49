"""Sessions, whatever comes in whatever order: the job's steps, run by run on small frames, against another count."""

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from jobs.clickstream_aggregation import HELD, events_to_cut, touched_points
from shoplake.spark.sessions import EVENT, reached_by, to_sessions, to_windows
from shoplake.spark.upsert import ACTION, compare_rows
from shoplake.spark.winners import DELETE, decide
from shoplake.tables import load_tables
from tests.oracles import clicks as oracle
from tests.unit.spark.clicks import CONTRACT, EVENT_SCHEMA, MIDNIGHT, aware

RULES = CONTRACT.sessions
SESSIONS = load_tables()["processed.sessions"]
BATCH = (
    f"{EVENT_SCHEMA}, is_robot boolean, event_day date, updated_at timestamp, _row_hash string, _arrived_at timestamp, "
    "_source_key string, _source_line bigint, _file int, _is_keyed_by_content boolean, _outcome string, _run_id string"
    ", product_id string, source string"
)
TABLE = ", ".join(f"{column.name} {column.type}" for column in SESSIONS.columns if column.name != "_run_id")
KINDS = ("page_view", "product_view", "search", "add_to_cart", "checkout_start", "other")


@dataclass(frozen=True)
class Click:
    """An event as one file has it. A later file wins, so `file` is its recency too."""

    file: int
    event_id: str
    visitor: str
    minute: float
    kind: str
    is_robot: bool

    @property
    def row(self) -> dict:
        at = MIDNIGHT + timedelta(minutes=self.minute)
        return {
            "event_id": self.event_id, "event_time": at, "event_type": self.kind, "visitor_id": self.visitor,
            "is_robot": self.is_robot, "event_day": at.date(), "_row_hash": f"{at} {self.kind} {self.is_robot}",
            "_arrived_at": MIDNIGHT + timedelta(days=9, hours=self.file), "_source_key": f"{self.file}",
            "_source_line": 1, "_file": self.file, "_is_keyed_by_content": False, "_run_id": "r",
            "source": "shop",
        }  # fmt: skip


VISITORS = [f"v{number}" for number in range(8)]
MINUTES = st.one_of(st.sampled_from([0, 29, 30, 31, 60, 61, 90, 120]), st.integers(0, 400))
FILES = st.integers(0, 3)


@st.composite
def files_of_clicks(draw) -> list[Click]:
    """Four files of clicks of a few visitors: some clicks in two files, some of these with another time or visitor."""
    one = st.builds(
        Click, FILES, st.just(""), st.sampled_from(VISITORS), MINUTES, st.sampled_from(KINDS),
        st.sampled_from([False] * 9 + [True]),
    )  # fmt: skip
    found = [replace(c, event_id=f"e{n:03}") for n, c in enumerate(draw(st.lists(one, min_size=30, max_size=60)))]
    again = draw(st.lists(st.tuples(st.sampled_from(found), FILES, st.booleans(), MINUTES), max_size=12))
    other = {
        (c.event_id, file): replace(c, file=file, **({"minute": minute} if changes else {}))
        for c, file, changes, minute in again
        if file != c.file
    }
    return found + list(other.values())


RUNS = st.permutations(range(4)).flatmap(lambda order: st.sampled_from([[order[:2], order[2:]], [[f] for f in order]]))


class Lake:
    """The two tables as rows in memory, brought up to date by the job's own steps."""

    def __init__(self, spark):
        self.spark, self.events, self.sessions = spark, {}, {}

    def run(self, clicks: list[Click]) -> None:
        stored = self._frame(self.events.values(), BATCH)
        carry = {name: F.col(column) for name, column in HELD.items()}
        batch = self._frame([click.row for click in clicks], BATCH).drop("_run_id")
        decided = decide(batch, stored, ["event_id"], "r", carry).localCheckpoint()
        before = self._frame(self.sessions.values(), TABLE)
        reached = reached_by(before, to_windows(touched_points(decided), RULES.timeout), RULES.timeout)
        events = events_to_cut(decided, stored, reached)
        computed = to_sessions(events.select(*EVENT), RULES, "Europe/London").select(*before.columns)
        changes = compare_rows(computed, reached, SESSIONS, deletes=True)
        for row in changes.where(F.col(ACTION).isNotNull()).collect():
            if row[ACTION] == DELETE:
                del self.sessions[row["session_id"]]
            else:
                self.sessions[row["session_id"]] = row.asDict()
        for row in decided.where(F.col(ACTION).isNotNull()).select(*stored.columns).collect():
            self.events[row["event_id"]] = row.asDict()

    def _frame(self, rows, schema: str):
        names = [part.split()[0] for part in schema.split(", ")]
        return self.spark.createDataFrame([tuple(row.get(name) for name in names) for row in rows], schema)


def newest(clicks: list[Click]) -> list[oracle.Event]:
    """The people's events, each as the last file has it."""
    last = {click.event_id: click for click in sorted(clicks, key=lambda click: click.file)}
    return [
        oracle.Event(c.visitor, MIDNIGHT + timedelta(minutes=c.minute), c.event_id, c.kind)
        for c in last.values()
        if not c.is_robot
    ]


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(clicks=files_of_clicks(), runs=RUNS)
def test_any_grouping_of_files_into_runs_in_any_order_gives_the_sessions_of_an_independent_count(spark, clicks, runs):
    lake, ids, loaded = Lake(spark), {}, []
    for files in runs:
        batch = [click for click in clicks if click.file in files]
        lake.run(batch)
        loaded += batch
        visits = {(v.visitor, v.started_at): v for v in oracle.sessions(newest(loaded))}
        found = {(s["visitor_id"], aware(s["started_at"])): s for s in lake.sessions.values()}
        assert {key: (aware(s["ended_at"]), s["events"], s["page_views"]) for key, s in found.items()} == {
            key: (visit.ended_at, len(visit.events), visit.count(*oracle.PAGES)) for key, visit in visits.items()
        }
        for key, session in found.items():
            first = (key[0], visits[key].events[0].event_id)
            assert ids.setdefault(first, session["session_id"]) == session["session_id"]
    assert len(set(ids.values())) == len(ids)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(clicks=files_of_clicks())
def test_gaps_within_sessions_are_thirty_minutes_at_most_and_more_between_and_sums_agree(spark, clicks):
    lake = Lake(spark)
    lake.run(clicks)
    people = [event for event in lake.events.values() if not event["is_robot"]]
    assert sum(session["events"] for session in lake.sessions.values()) == len(people)
    for visitor in VISITORS:
        own = sorted((s["started_at"], s["ended_at"]) for s in lake.sessions.values() if s["visitor_id"] == visitor)
        times = sorted(event["event_time"] for event in people if event["visitor_id"] == visitor)
        for begin, end in own:
            inside = [at for at in times if begin <= at <= end]
            assert (inside[0], inside[-1]) == (begin, end)
            assert all(b - a <= oracle.PAUSE for a, b in pairwise(inside))
        assert all(b[0] - a[1] > oracle.PAUSE for a, b in pairwise(own))
