"""What must hold after every failure, in one place: `leaves_no_trace`."""

from dataclasses import dataclass

from pyiceberg.exceptions import NoSuchTableError

from tests.end_to_end.local_lake import LOADED_TABLES, LocalLake, eventually

ORDER_TABLES = ("processed.transactions", "curated.sales", "curated.daily_sales_summary")
OUTCOMES = ("applied", "unchanged", "superseded", "quarantined", "duplicate")


@dataclass(frozen=True)
class Published:
    """How many times main of each table has moved until now."""

    moves: dict[str, int]

    @classmethod
    def of(cls, lake: LocalLake) -> "Published":
        return cls({table: len(history(lake, table)) for table in LOADED_TABLES})


def history(lake: LocalLake, table: str) -> list[int]:
    """The snapshots at which main of a table has stood, in order; none where there is no such table yet."""
    try:
        return [entry.snapshot_id for entry in lake.iceberg(table).history()]
    except NoSuchTableError:
        return []


def leaves_no_trace(
    lake: LocalLake, before: Published, failed: str, state: str, next_run: str, files: set[str], rows: int = 3
) -> None:
    """Assert all that is promised of a run that failed in `state`, and of the run that took its files afterwards.

    `before` is from before the failed run, `files` are the names that it read and that `next_run` published, `rows`
    how many rows they have. No other run may have published in between.
    """
    tables_are_whole(lake, before, next_run)
    one_letter_tells(lake, failed, state)
    the_account_closes(lake, next_run, files, rows)
    each_run_is_recorded_once(lake, {failed: "failed", next_run: "succeeded"})
    nothing_is_left(lake)


def tables_are_whole(lake: LocalLake, before: Published, *published_by: str) -> None:
    """Main of each table went from where it was to what these runs published, and stood nowhere else in between."""
    rows = lake.columns("curated.published", "table_name", "run_id", "snapshot_id")
    targets = {(table, run_id): snapshot for table, run_id, snapshot in rows}
    assert {(table, run_id) for table in ORDER_TABLES for run_id in published_by} <= set(targets)
    for table in LOADED_TABLES:
        published = [targets[table, run_id] for run_id in published_by if (table, run_id) in targets]
        assert history(lake, table)[before.moves[table] :] == published, f"{table} stood at something unpublished"
    lines, sales, summary = (len(lake.rows(table)) for table in ORDER_TABLES)
    assert (sales, summary > 0) == (lines, True)
    revenue, by_day = lake.columns("curated.sales", "net_amount"), lake.columns(ORDER_TABLES[-1], "revenue")
    assert sum(amount for (amount,) in by_day) == sum(amount for (amount,) in revenue)


def one_letter_tells(lake: LocalLake, failed: str, state: str) -> None:
    """One e-mail about the failed run: its state, its dataset, and a command to run next."""
    (letter,) = eventually(lambda: lake.delivered(failed), 30)
    assert f"run {failed} failed in {state}" in letter["subject"], letter
    for words in (f"State    {state}", "Dataset  transactions", "Nothing of this run was published", "\nNext\n"):
        assert words in letter["body"], letter["body"]
    assert f"shoplake show {failed}" in letter["body"].partition("\nNext\n")[2]


def the_account_closes(lake: LocalLake, run_id: str, files: set[str], rows: int) -> None:
    """The run read just these files, and every row of theirs has an outcome."""
    show = lake.ask("show", run_id)
    assert show["state"] == "succeeded"
    assert {file["key"].rpartition("/")[2] for file in show["inputs"]} == files
    for file in show["inputs"]:
        assert file["rows"]["read"] == sum(file["rows"][outcome] for outcome in OUTCOMES), file
    assert (show["rows"]["read"], show["rows"]["applied"]) == (rows, rows)


def each_run_is_recorded_once(lake: LocalLake, states: dict[str, str]) -> None:
    """In the table of runs and by the command line alike; each run has its receipt."""
    recorded = lake.columns("processed.runs", "run_id", "state")
    for run_id, state in states.items():
        assert [row for row in recorded if row[0] == run_id] == [(run_id, state)]
        assert lake.record_of(run_id)["state"] == state
        assert lake.ask("receipt", run_id)["run_id"] == run_id


def nothing_is_left(lake: LocalLake) -> None:
    """The lock is free, no file waits, is held or claimed."""
    assert lake.running_run() is None
    assert not {"received", "claimed", "held"} & set(lake.states_of_files())
