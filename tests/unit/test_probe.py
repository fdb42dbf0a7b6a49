"""The probe of a deployment, against a lake whose answers are lists."""

from datetime import UTC, datetime

import pytest

from deploy import probe as probing
from shoplake.errors import ShoplakeError
from shoplake.run_requests import RunAnswer
from tests.unit.deploying import LAKE, Aws

RECEIVED, CLAIMED = {"state": "received"}, {"state": "claimed", "run_id": "2026-01-02-0001"}
SUCCEEDED = {"state": "succeeded", "notified_at": "2026-01-02T03:09:05Z"}
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:111122223333:shoplake-dev-pipeline-notifications"
CONFIRMED, PENDING = f"{TOPIC}:0a1b", "PendingConfirmation"


@pytest.fixture
def answers(monkeypatch):
    """A function that gives what the lake knows of the file and of its run, each time it is asked; the last stays."""

    def answer(files: list, runs: list, subscriptions=(CONFIRMED,), over_budget=None) -> dict:
        told, aws = {}, Aws()
        aws.answers(
            "sns",
            "list_subscriptions_by_topic",
            {"TopicArn": TOPIC},
            {"Subscriptions": [{"SubscriptionArn": arn, "TopicArn": TOPIC} for arn in subscriptions]},
        )

        class S3:
            def put_object(self, **given):
                told["put"] = given
                return {"VersionId": "v1"}

        def following(known: list):
            known = list(known)
            return lambda self, name: known.pop(0) if len(known) > 1 else known[0]

        monkeypatch.setattr(probing, "client", lambda service: S3() if service == "s3" else aws.client(service))
        monkeypatch.setattr(probing.Files, "get", following(files))
        monkeypatch.setattr(probing.Runs, "get", following(runs))

        def ask_dispatcher(lake, **request) -> RunAnswer:
            told["request"] = request
            return RunAnswer(None, 1, None, over_budget=over_budget)

        monkeypatch.setattr(probing, "ask_dispatcher", ask_dispatcher)
        return told

    return answer


def probe_with(tell=lambda sentence: None, timeout_s=5.0):
    return probing.probe(LAKE, AT, tell, timeout_s, poll_s=0)


def test_it_waits_for_the_message_and_not_only_for_the_run(answers):
    told = answers([None, RECEIVED, CLAIMED], [{"state": "running"}, {"state": "succeeded"}, SUCCEEDED])
    sentences = []
    assert probe_with(sentences.append) == "2026-01-02-0001"
    assert told["put"]["Key"] == "raw/categories/source=shop/probe-20260102T030405.csv"
    assert told["request"] == {"action": "run", "at_once": True, "requested_by": "make deploy"}
    assert sentences[-1] == "Run 2026-01-02-0001 succeeded, and its message was sent at 2026-01-02T03:09:05Z"


@pytest.mark.parametrize("subscriptions", [(), (PENDING, PENDING)])
def test_where_nobody_has_confirmed_a_subscription_it_says_that_nobody_reads_the_message(answers, subscriptions):
    answers([CLAIMED], [SUCCEEDED], subscriptions)
    sentences = []
    probe_with(sentences.append)
    assert "but nobody reads it: no subscription to shoplake-dev-pipeline-notifications is confirmed" in sentences[-1]
    assert "subscribers in environments/dev.tfvars" in sentences[-1]


def test_one_confirmed_subscription_among_others_is_a_reader(answers):
    answers([CLAIMED], [SUCCEEDED], (PENDING, CONFIRMED))
    sentences = []
    probe_with(sentences.append)
    assert "nobody" not in sentences[-1]


def test_a_probe_that_nobody_takes_note_of_says_where_to_look(answers):
    answers([None], [None])
    with pytest.raises(ShoplakeError, match="nobody took note of it: look at the queue shoplake-dev-arrivals"):
        probe_with(timeout_s=0)


def test_a_probe_that_no_run_takes_names_the_command_and_its_environment(answers):
    answers([RECEIVED], [None])
    with pytest.raises(ShoplakeError, match="no run took it: `shoplake --env dev runs` shows"):
        probe_with(timeout_s=0)


def test_a_probe_whose_run_fails_says_how_to_see_why(answers):
    answers([CLAIMED], [{"state": "failed", "notified_at": "2026-01-02T03:09:05Z"}])
    with pytest.raises(ShoplakeError, match="failed: `shoplake --env dev show 2026-01-02-0001` says why"):
        probe_with()


def test_a_probe_beside_files_that_would_cost_too_much_says_so_at_once(answers):
    answers([RECEIVED], [], over_budget={"sentence": "9 files would cost about $7.00", "allowed_by": 7.01})
    with pytest.raises(ShoplakeError, match=r"9 files would cost .*`shoplake --env dev run --max-dollars 7\.01`"):
        probe_with()
