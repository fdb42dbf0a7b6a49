"""The whole lake on the local AWS: from nothing, again, after a change; and a file that finds its way in."""

import hashlib
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from local.provision import NotThisMachine, provision
from shoplake import aws as shoplake_aws
from shoplake.artifacts import Artifact, build_artifacts
from shoplake.aws import client
from shoplake.config import Lake, load_lake
from shoplake.errors import ConfigurationError
from shoplake.files import REFUSED, Files
from shoplake.personal_data import read_key
from shoplake.runs import ENDED, Runs
from shoplake.times import now

ROOT = Path(__file__).resolve().parents[2]
DEAD_LETTERS = {
    "AlarmName": "shoplake-local-dead-letters", "Namespace": "AWS/SQS", "Period": 60, "Statistic": "Maximum",
    "MetricName": "ApproximateNumberOfMessagesVisible",
}  # fmt: skip


@pytest.fixture(scope="module")
def lake():
    return load_lake("local")


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    return build_artifacts(ROOT, tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def provisioned(emulator, lake, artifacts):
    """The sentences of the first provisioning."""
    shoplake_aws.client.cache_clear()
    return provision(lake, artifacts)


def test_a_second_provisioning_changes_nothing(provisioned, lake, artifacts):
    assert len(provisioned) == len(set(provisioned))
    told = []
    assert provision(lake, artifacts, told.append) == told == []


def test_the_key_for_personal_data_is_made_once_and_survives_every_provisioning(provisioned, lake, artifacts):
    assert "created secret shoplake-local-personal-data-key" in provisioned
    key = read_key(lake)
    assert (key.version, len(key.key), len(set(key.key)) > 8) == ("1", 32, True)
    provision(lake, artifacts)
    assert read_key(lake) == key


@pytest.mark.parametrize(
    "secret", ["-", "{}", '{"version": "1", "key": "00ff"}', '{"version": "1", "key": "secret word"}']
)
def test_a_secret_that_is_no_key_is_refused_without_being_shown(provisioned, lake, secret):
    manager, name = client("secretsmanager"), lake.personal_data_secret
    original = manager.get_secret_value(SecretId=name)["SecretString"]
    manager.put_secret_value(SecretId=name, SecretString=secret)
    try:
        with pytest.raises(ConfigurationError, match="is no key for personal data") as error:
            read_key(lake)
        assert error.value.__cause__ is None and "secret word" not in str(error.value)
    finally:
        manager.put_secret_value(SecretId=name, SecretString=original)


def test_a_missing_key_is_told_with_what_makes_it(provisioned):
    inventory = load_lake("local").inventory
    elsewhere = Lake(inventory.model_copy(update={"project": "other"}), "local", "000000000000")
    with pytest.raises(ConfigurationError, match=r"other-local-personal-data-key, .*missing: `shoplake up`"):
        read_key(elsewhere)


def test_a_changed_function_is_updated_and_nothing_else(provisioned, lake, artifacts, tmp_path):
    path = shutil.copy(artifacts.functions["publish"].path, tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("changed.txt", "")
    changed = artifact_of(path, artifacts.functions["publish"].key)
    with_change = replace(artifacts, functions=artifacts.functions | {"publish": changed})
    assert provision(lake, with_change) == ["updated function shoplake-local-publish"]
    assert provision(lake, artifacts) == ["updated function shoplake-local-publish"]


def test_a_changed_job_script_is_uploaded_and_nothing_else(provisioned, lake, artifacts, tmp_path):
    (tmp_path / "script.py").write_text("print('changed')\n")
    changed = artifact_of(tmp_path / "script.py", artifacts.scripts["transaction_etl"].key)
    with_change = replace(artifacts, scripts=artifacts.scripts | {"transaction_etl": changed})
    assert provision(lake, with_change) == ["updated script jobs/transaction_etl.py"]
    assert provision(lake, artifacts) == ["updated script jobs/transaction_etl.py"]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            lambda aws, lake: aws("glue").update_job(
                JobName=lake.job_name("quality_gate"), JobUpdate={"NumberOfWorkers": 9}
            ),
            "updated job shoplake-local-quality-gate",
        ),
        (
            lambda aws, lake: aws("glue").update_crawler(
                Name=lake.crawler_name("transactions"),
                SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"},
            ),
            "updated crawler shoplake-local-raw-transactions",
        ),
        (
            lambda aws, lake: aws("stepfunctions").update_state_machine(
                stateMachineArn=lake.state_machine_arn,
                definition='{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}',
            ),
            "updated state machine shoplake-local-lake-pipeline",
        ),
        (
            lambda aws, lake: aws("lambda").update_function_configuration(
                FunctionName=lake.function_name("notify"), MemorySize=128
            ),
            "updated function shoplake-local-notify",
        ),
        (
            lambda aws, lake: aws("sqs").set_queue_attributes(
                QueueUrl=aws("sqs").get_queue_url(QueueName=lake.arrivals_queue)["QueueUrl"],
                Attributes={"VisibilityTimeout": "1"},
            ),
            "updated queue shoplake-local-arrivals",
        ),
        (
            lambda aws, lake: aws("events").put_rule(
                Name="shoplake-local-raw-object-created", EventPattern='{"source": ["aws.ec2"]}'
            ),
            "updated rule shoplake-local-raw-object-created",
        ),
        (
            lambda aws, lake: aws("athena").update_work_group(
                WorkGroup=lake.workgroup, ConfigurationUpdates={"EnforceWorkGroupConfiguration": False}
            ),
            "updated workgroup shoplake-local-lake",
        ),
        (
            lambda aws, lake: aws("logs").put_retention_policy(
                logGroupName="/aws/lambda/shoplake-local-publish", retentionInDays=1
            ),
            "updated log group /aws/lambda/shoplake-local-publish",
        ),
        (
            lambda aws, lake: aws("cloudwatch").put_metric_alarm(
                **DEAD_LETTERS, ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, Threshold=7
            ),
            "updated alarm shoplake-local-dead-letters",
        ),
        (
            lambda aws, lake: aws("cloudwatch").put_metric_alarm(
                **DEAD_LETTERS | {"AlarmName": "shoplake-local-gone"},
                ComparisonOperator="GreaterThanThreshold",
                EvaluationPeriods=1,
                Threshold=7,
            ),
            "deleted alarm shoplake-local-gone",
        ),
        (
            lambda aws, lake: aws("cloudwatch").put_dashboard(
                DashboardName="shoplake-local-cost", DashboardBody='{"widgets": []}'
            ),
            "updated dashboard shoplake-local-cost",
        ),
        (
            lambda aws, lake: aws("cloudwatch").put_dashboard(
                DashboardName="shoplake-local-gone", DashboardBody='{"widgets": []}'
            ),
            "deleted dashboard shoplake-local-gone",
        ),
        (
            lambda aws, lake: aws("cloudwatch").delete_dashboards(DashboardNames=["shoplake-local-data-quality"]),
            "created dashboard shoplake-local-data-quality",
        ),
    ],
)
def test_what_differs_from_lake_yaml_is_mended(provisioned, lake, artifacts, aws, spoil, sentence):
    spoil(aws, lake)
    assert provision(lake, artifacts) == [sentence]
    assert provision(lake, artifacts) == []


def test_every_address_gets_every_topic_and_old_addresses_none(provisioned, lake, artifacts, aws):
    arn = lake.topic_arn("cost")
    aws("sns").subscribe(TopicArn=arn, Protocol="email", Endpoint="gone@shoplake.test")
    assert provision(lake, artifacts) == ["unsubscribed gone@shoplake.test from shoplake-local-cost-alerts"]
    subscriptions = aws("sns").list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert [s["Endpoint"] for s in subscriptions] == ["owner@shoplake.test"]


def test_jobs_take_their_spark_settings_from_the_inventory(provisioned, lake, aws):
    job = aws("glue").get_job(JobName="shoplake-local-transaction-etl")["Job"]
    arguments = job["DefaultArguments"]
    assert arguments["--extra-py-files"] == (
        "s3://shoplake-local-artifacts-000000000000/wheels/shoplake-0.1.0-py3-none-any.whl"
    )
    settings = arguments["--conf"].split(" --conf ")
    assert "spark.sql.session.timeZone=UTC" in settings
    assert "spark.sql.shuffle.partitions=2" in settings
    assert "spark.sql.catalog.glue_catalog.warehouse=s3://shoplake-local-lake-000000000000/" in settings
    assert job["ExecutionProperty"]["MaxConcurrentRuns"] == 1


def test_schedules_call_the_dispatcher(provisioned, lake, aws):
    found = {name: aws("scheduler").get_schedule(Name=f"shoplake-local-{name}") for name in ("run", "sweep")}
    assert found["run"]["ScheduleExpression"] == "rate(5 minutes)"
    assert json.loads(found["sweep"]["Target"]["Input"]) == {"action": "sweep"}


def test_the_lake_is_measured_between_runs(provisioned, lake, aws):
    schedule = aws("scheduler").get_schedule(Name="shoplake-local-measure")
    assert schedule["ScheduleExpression"] == "rate(1 hour)"
    assert schedule["Target"]["Arn"] == lake.function_arn("measure_lake")
    answer = aws("lambda").invoke(FunctionName=lake.function_name("measure_lake"), Payload=b"{}")
    assert json.loads(answer["Payload"].read())["metrics"] >= 1


def test_alarms_that_send_mail_name_their_topic_and_the_others_are_silent(provisioned, lake, aws):
    pages = aws("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=lake.prefix)
    actions = {alarm["AlarmName"]: alarm["AlarmActions"] for page in pages for alarm in page["MetricAlarms"]}
    assert actions["shoplake-local-queue-age"] == [lake.topic_arn("notifications")]
    assert actions["shoplake-local-cost-of-a-day"] == [lake.topic_arn("cost")]
    assert actions["shoplake-local-failed-executions"] == []


def test_a_message_comes_back_only_when_the_dispatcher_must_be_done(provisioned, lake, aws):
    queue = aws("sqs").get_queue_url(QueueName=lake.arrivals_queue)["QueueUrl"]
    attributes = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert int(attributes["VisibilityTimeout"]) >= 6 * 120
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] == 5


def test_a_dropped_file_goes_through_a_whole_run(provisioned, lake, aws, eventually):
    """A file of no known dataset is refused, so that no job has anything to do."""
    stored = aws("s3").put_object(Bucket=lake.bucket, Key="raw/unknown/a file.csv", Body=b"a,b\n1,2\n")
    files, runs = Files(lake.files_table), Runs(lake.runs_table)
    object_id = f"raw/unknown/a file.csv#{stored['VersionId']}"
    eventually(lambda: files.get(object_id) is not None)
    eventually(lambda: files.get(object_id)["state"] == REFUSED, timeout_s=60)
    run_id = files.get(object_id)["run_id"]
    eventually(lambda: runs.get(run_id)["state"] in ENDED, timeout_s=30)
    eventually(lambda: runs.lock() is None)


def test_an_event_on_the_bus_starts_a_run_and_one_for_another_lake_does_not(provisioned, lake, aws, eventually):
    files, runs = Files(lake.files_table), Runs(lake.runs_table)
    eventually(lambda: runs.lock() is None, timeout_s=30)
    assert runs.take_lock("held-by-a-test", now())
    stored = aws("s3").put_object(Bucket=lake.bucket, Key="raw/unknown/later.csv", Body=b"a,b\n1,2\n")
    object_id = f"raw/unknown/later.csv#{stored['VersionId']}"
    eventually(lambda: files.get(object_id) is not None)
    runs.release_lock("held-by-a-test")
    for source, who in (("shoplake.other", "nobody"), ("shoplake.local", "the shop's export")):
        detail = json.dumps({"action": "run", "requested_by": who})
        entry = {"Source": source, "DetailType": "shoplake.run.requested", "Detail": detail}
        assert aws("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    eventually(lambda: files.get(object_id)["state"] == REFUSED, timeout_s=60)
    assert runs.get(files.get(object_id)["run_id"])["requested_by"] == "the shop's export"
    eventually(lambda: runs.lock() is None, timeout_s=30)


def test_a_lake_on_another_machine_is_not_touched(lake, artifacts, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://s3.us-east-1.amazonaws.com")
    shoplake_aws.client.cache_clear()
    try:
        with pytest.raises(NotThisMachine, match="Only the local AWS"):
            provision(lake, artifacts)
    finally:
        shoplake_aws.client.cache_clear()


def artifact_of(path, key: str) -> Artifact:
    content = Path(path).read_bytes()
    return Artifact(Path(path), key, hashlib.sha256(content).hexdigest())
