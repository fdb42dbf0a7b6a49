"""Whatever files come, in whatever groups and order: the jobs leave the same tables, the curated ones included."""

import os
from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shoplake.contracts import load_contract
from tests.end_to_end.local_lake import first_differences
from tests.unit.spark.histories import halves, history
from tests.unit.spark.small_lake import TABLES, File, Run, SmallLake

PERSONAL = ("ann@", "ANN@", "ann at", "700900123", "700 900123", "Smith", "Ünal", "203.0.113", "Firefox", "Googlebot")
RUNS = 2
COUNTS = {"applied", "unchanged", "superseded", "quarantined", "duplicate"}


def split(random: Random, files: list[File]) -> list[File]:
    """The files, some of those whose rows are named by their content in two parts."""
    found = []
    for file in files:
        is_keyed_by_content = load_contract(file.dataset).source(file.source).key == "lines"
        found += halves(file) if is_keyed_by_content and random.random() < 0.6 else [file]
    return found


def in_runs(random: Random, files: list[File], count: int) -> list[list[File]]:
    """The files in any order, cut into runs."""
    shuffled = random.sample(files, len(files))
    cuts = sorted(random.sample(range(1, len(files)), count - 1))
    return [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(files)], strict=True)]


def rows_unaccounted_for(run: Run) -> dict[str, dict[str, int]]:
    """The counts of each file of which the ledger doesn't name every row once."""
    pages = {file.key: (len(file.rows), run.rows_of(number)) for number, file in enumerate(run.files)}
    assert all(set(page) == COUNTS for _, page in pages.values())
    return {key: page for key, (read, page) in pages.items() if sum(page.values()) != read}


# An example is a history of some 25 files and 250 rows, and costs a run of all jobs four times: no shrinking, and one
# that is always the same unless more are asked for, which are others each time.
EXAMPLES = int(os.environ.get("SHOPLAKE_TEST_EXAMPLES", "1"))


@settings(
    max_examples=EXAMPLES, derandomize=EXAMPLES == 1, database=None, print_blob=True,
    phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(random=st.randoms(use_true_random=True))
def test_any_grouping_of_files_into_runs_in_any_order_leaves_the_same_tables_and_a_replay_nothing(
    spark, tmp_path_factory, random
):
    files = history(random)
    folder = tmp_path_factory.mktemp("lakes")
    at_once, piecemeal = SmallLake(spark, folder), SmallLake(spark, folder)
    whole = at_once.run(files)
    runs = [piecemeal.run(group) for group in in_runs(random, split(random, files), RUNS)]
    assert piecemeal.rules_broken(runs[-1]) == []

    assert [rows_unaccounted_for(run) for run in [whole, *runs]] == [{}] * (1 + RUNS)
    for name in TABLES:
        expected, found = at_once.content(name), piecemeal.content(name)
        assert expected, name
        assert first_differences(expected, found) == {}, name

    for name in TABLES:
        assert [value for value in PERSONAL if value in repr(piecemeal.rows(name))] == [], name

    before = piecemeal.snapshots()
    again = piecemeal.run(random.choice(runs).files)
    assert rows_unaccounted_for(again) == {}
    assert piecemeal.snapshots() == before
