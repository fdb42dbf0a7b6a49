"""The e-mails that a person acts on: what happened, to which files, what to run next."""

import pytest

from shoplake.config import load_lake
from shoplake.messages import Failure, failure_message, success_message
from shoplake.receipt import OUTCOMES, Report, StateTime

LAKE = load_lake("local")
NO_ROWS = dict.fromkeys(("read", *OUTCOMES), 0)


def file(verdict: str = "accepted", key: str = "raw/transactions/a.csv", **changes) -> dict:
    return {
        "key": key, "dataset": "transactions", "verdict": verdict, "reason": None, "sentence": None,
        "rows": {**NO_ROWS, "read": 10, "applied": 9, "quarantined": 1}, "problems": [], "notes": [],
        "extra_columns": [], "version_id": "v", **changes,
    }  # fmt: skip


def report(*inputs: dict, state: str = "succeeded", **changes) -> Report:
    verdicts = [line["verdict"] for line in inputs]
    run = {
        "run_id": "2025-01-15-0007", "state": state, "started_at": "2025-01-15T10:00:00.000Z",
        "ended_at": "2025-01-15T10:00:30.000Z", "mode": "arrivals", "replay_of": None, "bytes_in": 1234567,
        "files": {name: verdicts.count(name) for name in ("accepted", "refused", "duplicate")},
        "rows": {name: sum(line["rows"][name] for line in inputs) for name in NO_ROWS},
        "seconds": 30.0, "dollars": 0.0123, **changes,
    }  # fmt: skip
    states = [StateTime("Transform", "succeeded", run["started_at"], 12.5, dpu_seconds=25.0, dollars=0.003)]
    tables = {"curated.sales": {"inserted": 9, "updated": 0, "deleted": 0}}
    return Report(run, list(inputs), states, tables, datasets=["transactions"])


def success(*inputs: dict, warnings=(), quality=None, held=()):
    return success_message(LAKE, report(*inputs), list(warnings), quality, list(held))


def failure(error="NoSuchThing", quality=None, held=("raw/transactions/a.csv",)):
    state = "Check quality" if quality else "Transform"
    told = Failure(state, error, "there is no such thing", "transactions", bool(held), {"curated.sales": 7})
    return failure_message(LAKE, report(file(), state="failed"), told, quality, list(held))


def test_a_success_says_files_and_rows_in_the_subject():
    assert success(file()).subject == "[shoplake local] run 2025-01-15-0007 published: 1 file, 9 rows"


def test_refused_files_are_in_the_subject_and_named_with_the_reason():
    bad = file("refused", "raw/transactions/bad.csv", sentence="is empty: drop it again", rows=NO_ROWS)
    message = success(file(), bad)
    assert message.subject.endswith("1 file, 9 rows, 1 refused")
    assert "raw/transactions/bad.csv" in message.body
    assert "is empty: drop it again" in message.body
    assert message.attributes["severity"] == "warning"


def test_a_run_without_anything_to_load_says_so():
    assert success(file("duplicate")).subject.endswith("nothing to load")


def test_the_ledger_stands_in_the_mail():
    assert "10 read = 9 applied + 0 unchanged + 0 superseded + 1 quarantined + 0 duplicate" in success(file()).body


def test_a_problem_is_told_with_line_column_value_and_rule():
    problem = {"line": 7, "column": "quantity", "value": "two", "rule": "not_an_integer"}
    assert "line 7, quantity = 'two': not_an_integer" in success(file(problems=[problem])).body


def test_a_warning_about_a_figure_says_the_figure():
    warning = {"table": "processed.events", "rule": "product_id is known in processed.products", "unexpected": 3,
               "observed": 0.9, "in_words": "3 of 30 rows unknown (10.0%; up to 1.0% are allowed)"}  # fmt: skip
    body = success(file(), quality={"warnings": [warning], "data_docs": "data-docs/r/"}).body
    assert (
        "  processed.events: not met (3 of 30 rows unknown (10.0%; up to 1.0% are allowed)): "
        "product_id is known in processed.products\n"
    ) in body


@pytest.mark.parametrize(("unexpected", "by"), [(2, " by 2 rows"), (1, " by 1 row"), (None, "")])
def test_a_warning_of_the_gate_says_that_it_was_not_met(unexpected, by):
    warning = {"table": "processed.products", "rule": "A product's category is known", "unexpected": unexpected}
    body = success(file(), quality={"warnings": [warning], "data_docs": "d/"}).body
    assert f"  processed.products: not met{by}: A product's category is known\n" in body


def test_a_value_that_is_missing_is_not_called_none():
    problem = {"line": 7, "column": "ordered_at", "value": None, "rule": "missing"}
    assert "      line 7, ordered_at: missing\n" in success(file(problems=[problem])).body


def test_refused_files_are_named_before_all_others_and_unknown_columns_before_clean_files():
    partly = [file("accepted_with_rejects", f"raw/transactions/{n}.csv") for n in range(20)]
    assert "raw/transactions/bad.csv" in success(*partly, file("refused", "raw/transactions/bad.csv")).body
    clean = [file(key=f"raw/transactions/{n}.csv") for n in range(20)]
    body = success(*clean, file(extra_columns=["gift_wrap"])).body
    assert "columns that the contract doesn't know, kept in raw: gift_wrap" in body


def test_twenty_one_refused_files_make_one_mail_with_twenty_names():
    body = success(*(file("refused", f"raw/transactions/{n}.csv") for n in range(21))).body
    assert body.count("raw/transactions/") == 20
    assert "... and 1 more: shoplake show 2025-01-15-0007" in body


def test_a_failure_names_state_dataset_cause_evidence_and_the_next_command():
    message = failure()
    assert message.subject == "[shoplake local] run 2025-01-15-0007 failed in Transform: NoSuchThing"
    for text in (
        "Nothing of this run was published",
        "Dataset  transactions",
        "there is no such thing",
        "curated.sales at snapshot 7",
        "10 read, none published",
        "shoplake replay 2025-01-15-0007",
    ):
        assert text in message.body


def test_a_failure_that_another_try_may_cure_says_that_the_files_come_again_by_themselves():
    body = failure(held=()).body
    assert "The files go into the next run by themselves" in body
    assert "replay" not in body


def test_a_quality_failure_goes_to_its_own_topic_with_expectation_count_and_examples():
    broken = {"table": "curated.sales", "rule": "Every row has net_amount", "unexpected": 7, "checked": 100,
              "examples": '[{"order_id": "A"}]'}  # fmt: skip
    message = failure(quality={"critical": [broken], "warnings": [], "data_docs": "data-docs/r/"})
    assert message.topic == "quality"
    assert message.subject.endswith("failed in Check quality: 1 expectation")
    assert 'Every row has net_amount: 7 of 100 rows, for example [{"order_id": "A"}]' in message.body
    assert "s3://shoplake-local-lake-000000000000/data-docs/r/" in message.body


@pytest.mark.parametrize("error", ["x" * 200, "Ünïcode" * 20, "two\nlines"])
def test_a_subject_is_what_sns_takes(error):
    subject = failure(error=error).subject
    assert len(subject) < 100
    assert subject.isascii()
    assert subject.isprintable()
