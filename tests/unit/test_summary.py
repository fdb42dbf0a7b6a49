"""Duplicates are decided once all files of a run are known: the earliest version owns the bytes."""

from itertools import permutations

from shoplake.summary import mark_duplicates, summarise
from shoplake.verdicts import Verdict


def verdict(number: int, md5: str = "m", arrived: str = "2025-01-01T00:00:00.000Z", **changes) -> Verdict:
    given = {
        "number": number, "key": f"raw/transactions/{number}.csv", "version_id": "v", "dataset": "transactions",
        "arrived_at": arrived, "size_bytes": 10, "verdict": "accepted", "md5": md5, "rows_read": 5,
    }  # fmt: skip
    return Verdict(**{**given, **changes})


def known(*items):
    """What the table `files` says of a content."""
    return lambda content: list(items)


def item(state: str, arrived: str, key: str = "raw/transactions/old.csv") -> dict:
    return {"key": key, "version_id": "v", "dataset": "transactions", "size": 10, "etag": "e",
            "arrived_at": arrived, "state": state}  # fmt: skip


def words(verdicts) -> list[str]:
    return [v.verdict for v in verdicts]


NOBODY = known()


def test_of_two_files_with_the_same_bytes_the_earlier_is_loaded():
    later, earlier = verdict(0, arrived="2025-01-02T00:00:00.000Z"), verdict(1, arrived="2025-01-01T00:00:00.000Z")
    decided = mark_duplicates([later, earlier], NOBODY)
    assert words(decided) == ["duplicate", "accepted"]
    assert decided[0].owner == earlier.key


def test_the_owner_is_the_same_in_whatever_order_the_verdicts_come():
    verdicts = [verdict(n) for n in range(3)]
    owners = {
        tuple(sorted(v.key for v in mark_duplicates(list(order), NOBODY) if v.is_loaded))
        for order in permutations(verdicts)
    }
    assert owners == {("raw/transactions/0.csv",)}


def test_bytes_that_an_earlier_run_loaded_are_not_loaded_again():
    assert words(mark_duplicates([verdict(0)], known(item("accepted", "2024-12-31T00:00:00.000Z")))) == ["duplicate"]


def test_an_owner_that_was_refused_discarded_or_is_held_owns_nothing():
    for state in ("refused", "held", "discarded", "received"):
        assert words(mark_duplicates([verdict(0)], known(item(state, "2024-12-31T00:00:00.000Z")))) == ["accepted"]


def test_a_replay_of_the_owner_is_no_duplicate():
    itself = item("accepted", "2025-01-01T00:00:00.000Z", key="raw/transactions/0.csv")
    assert words(mark_duplicates([verdict(0)], known(itself))) == ["accepted"]


def test_a_forced_file_is_loaded_again_and_owns_nothing():
    forced, plain = verdict(0, force=True), verdict(1, arrived="2025-01-02T00:00:00.000Z")
    assert words(mark_duplicates([forced, plain], NOBODY)) == ["accepted", "accepted"]


def test_the_same_bytes_in_another_dataset_are_no_duplicate():
    assert words(mark_duplicates([verdict(0), verdict(1, dataset="products")], NOBODY)) == ["accepted", "accepted"]


def test_a_refused_file_stays_refused():
    assert words(mark_duplicates([verdict(0, verdict="refused", md5=None)], NOBODY)) == ["refused"]


def test_the_summary_lists_what_to_load_and_counts_the_rest():
    verdicts = [
        verdict(0),
        verdict(1, verdict="refused"),
        verdict(2, verdict="duplicate", arrived="2025-02-01T00:00:00.000Z"),
    ]
    summary = summarise("r", verdicts, ["transactions", "products"])
    assert summary["counts"] == {"accepted": 1, "refused": 1, "duplicate": 1}
    assert summary["touched"] == {"transactions": True, "products": False}
    assert [file["number"] for file in summary["files"]["transactions"]] == [0]
    assert summary["last_arrival"] == "2025-02-01T00:00:00.000Z"
