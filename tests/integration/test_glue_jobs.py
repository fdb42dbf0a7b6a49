"""Glue jobs on the local lake: the deployed script runs, on one warm Spark driver for all of these tests."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path

import pytest

from local.gaps import hooks
from local.jars import JarsMissing, jar_paths
from shoplake.artifacts import build_artifacts
from tests.integration.job_runs import JobRun, wheel

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "glue-test"

try:
    jar_paths()
except JarsMissing as missing:
    pytest.skip(str(missing), allow_module_level=True)


@pytest.fixture(scope="module")
def lake(aws):
    """A bucket, and the driver that warms up."""
    from local.gaps import glue_jobs

    aws("s3").create_bucket(Bucket=BUCKET)
    glue_jobs.warm_up()
    yield glue_jobs
    glue_jobs.shut_down()


@pytest.fixture
def start(lake, aws):
    """Deploys a script as a new job and starts a run; returns a JobRun."""

    def begin(script, arguments=None, **definition):
        name = f"job-{uuid.uuid4().hex[:8]}"
        key = f"artifacts/{name}.py"
        aws("s3").put_object(Bucket=BUCKET, Key=key, Body=textwrap.dedent(script).encode())
        command = {"Name": "glueetl", "ScriptLocation": f"s3://{BUCKET}/{key}"}
        aws("glue").create_job(Name=name, Role="job-role", Command=command, **definition)
        return JobRun.start(aws, name, arguments or {})

    return begin


@pytest.fixture
def run(start):
    """As `start`, and waits for the run's end."""
    return lambda *script, **definition: start(*script, **definition).wait()


def test_the_warm_up_leaves_nothing_behind(lake, aws, eventually):
    log = Path(os.environ["STATE_DIR"]).parent / "spark" / "driver.log"
    eventually(lambda: lake.is_warm(), timeout_s=120)
    assert "Traceback" not in log.read_text()
    assert "spark-warm-up" not in [item["Name"] for item in aws("s3").list_buckets()["Buckets"]]
    assert "spark_warm_up" not in [item["Name"] for item in aws("glue").get_databases()["DatabaseList"]]


def test_a_script_gets_its_arguments_and_a_session_with_its_settings(run):
    script = """
        import sys
        from awsglue.utils import getResolvedOptions
        from pyspark.sql import SparkSession

        arguments = getResolvedOptions(sys.argv, ["JOB_NAME", "run_id", "manifest"])
        spark = SparkSession.builder.appName("any").config("spark.sql.shuffle.partitions", "3").getOrCreate()
        print(arguments["run_id"], arguments["manifest"])
        print(SparkSession.getActiveSession() is spark, spark.conf.get("spark.sql.shuffle.partitions"))
        print(spark.conf.get("spark.shop"), spark.conf.get("spark.sql.session.timeZone"), "--conf" in sys.argv)
    """
    defaults = {
        "--conf": "spark.shop=tea and cake --conf spark.sql.session.timeZone=Asia/Tokyo",
        "--run_id": "0",
    }
    finished = run(script, {"--run_id": "7", "--manifest": "runs/7/manifest.jsonl"}, DefaultArguments=defaults)
    assert finished.error is None
    assert finished.log == ["7 runs/7/manifest.jsonl", "True 3", "tea and cake Asia/Tokyo False"]


def test_a_branch_is_written_through_the_glue_catalog_and_main_stays(run):
    script = """
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.getOrCreate()
        spark.sql("CREATE NAMESPACE glue_catalog.shop LOCATION 's3://glue-test/shop'")
        spark.sql("CREATE TABLE glue_catalog.shop.lines (id bigint) USING iceberg "
                  "TBLPROPERTIES ('write.wap.enabled' = 'true')")
        spark.conf.set("spark.wap.branch", "run-1")
        spark.range(3).createOrReplaceTempView("source")
        for _ in range(2):
            spark.sql("MERGE INTO glue_catalog.shop.lines t USING source s ON t.id = s.id "
                      "WHEN NOT MATCHED THEN INSERT *")
        print("branch", spark.table("glue_catalog.shop.lines").count())
        spark.conf.unset("spark.wap.branch")
        print("main", spark.table("glue_catalog.shop.lines").count())
        spark.range(5).write.parquet("s3://glue-test/shop/plain")
        print("plain", spark.read.parquet("s3://glue-test/shop/plain").count())
    """
    assert run(script).log == ["branch 3", "main 0", "plain 5"]


def test_a_second_attempt_of_a_job_begins_from_main(run, aws, tmp_path):
    wheel_of_checkout = build_artifacts(ROOT, tmp_path).wheel.path
    aws("s3").upload_file(str(wheel_of_checkout), BUCKET, "artifacts/checkout.whl")
    script = """
        from pyspark.sql import SparkSession
        from shoplake.config import load_lake
        from shoplake.spark.job import JobRun

        spark, lake, name = SparkSession.builder.getOrCreate(), load_lake("local"), "processed.transactions"
        spark.sql(f"CREATE NAMESPACE glue_catalog.{lake.database('processed')} LOCATION 's3://glue-test/attempts'")
        spark.sql(f"CREATE TABLE glue_catalog.{lake.database('processed')}.transactions (id bigint) USING iceberg "
                  "TBLPROPERTIES ('write.wap.enabled' = 'true')")

        def attempt(*writes):
            return JobRun("transaction_etl", lake, "2025-01-15-0001", SparkSession.builder.getOrCreate(), writes)

        for rows in (3, 4):  # the first finds neither branch nor snapshot
            run = attempt(name)
            print("found", run.table(name).count())
            spark.range(rows).writeTo(run.table_name(name)).append()
            print("wrote", run.table(name).count())
        print("reader", attempt().table(name).count())
        spark.conf.unset("spark.wap.branch")
        print("main", run.table(name).count())
    """
    finished = run(script, {"--extra-py-files": f"s3://{BUCKET}/artifacts/checkout.whl"})
    assert finished.error is None
    assert finished.log == ["found 0", "wrote 3", "found 0", "wrote 4", "reader 4", "main 0"]


def test_a_failure_is_told_with_its_class_and_its_traceback(run):
    failed = run("print('before')\nraise ValueError('no such dataset: tea')")
    assert (failed.state, failed.error) == ("FAILED", "ValueError: no such dataset: tea")
    assert failed.log[0] == "before"
    assert failed.log[-1] == "ValueError: no such dataset: tea"


def test_a_failure_in_spark_is_told_with_its_cause(run):
    failed = run(
        """
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        spark.conf.set("spark.sql.ansi.enabled", "true")
        spark.range(3).selectExpr("1 div (id - 1)").collect()
        """
    )
    assert failed.state == "FAILED"
    assert failed.error.startswith("Py4JJavaError: An error occurred while calling")
    assert "SparkArithmeticException: [DIVIDE_BY_ZERO]" in failed.error


@pytest.mark.parametrize(("code", "state", "error"), [("0", "SUCCEEDED", None), ("3", "FAILED", "SystemExit: 3")])
def test_a_script_may_end_itself(run, code, state, error):
    ended = run(f"import sys\nsys.exit({code})")
    assert (ended.state, ended.error) == (state, error)


def test_a_script_that_stops_spark_leaves_it_to_the_others(run):
    stop = "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\nspark.stop()"
    assert run(stop).state == "SUCCEEDED"
    assert run(
        "from pyspark.sql import SparkSession\nprint(SparkSession.builder.getOrCreate().range(2).count())"
    ).log == ["2"]


def test_jobs_side_by_side_keep_their_arguments_output_and_settings(start):
    script = """
        import sys, threading, time
        from pyspark.sql import SparkSession

        def show():
            time.sleep(0.5)
            spark = SparkSession.builder.getOrCreate()
            print(sys.argv[sys.argv.index("--who") + 1], spark.conf.get("spark.who"), spark.range(4).count())

        thread = threading.Thread(target=show)
        thread.start()
        thread.join()
    """
    runs = [start(script, {"--who": who, "--conf": f"spark.who={who}"}) for who in ("ann", "bob", "cy")]
    assert [finished.wait().log for finished in runs] == [["ann ann 4"], ["bob bob 4"], ["cy cy 4"]]


def test_a_stopped_run_ends_within_seconds_and_is_told(start, aws, eventually):
    queue = aws("sqs").create_queue(QueueName="job-states")["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.glue"],
        "detail-type": ["Glue Job State Change"],
        "detail": {"state": ["STOPPED"]},
    }
    aws("events").put_rule(Name="job-states", EventPattern=json.dumps(pattern))
    aws("events").put_targets(Rule="job-states", Targets=[{"Id": "queue", "Arn": arn}])
    endless = """
        from pyspark.sql import SparkSession, functions as F
        spark = SparkSession.builder.getOrCreate()
        print("begun", flush=True)
        while True:
            spark.range(10**12).agg(F.sum(F.sha2(F.col("id").cast("string"), 512).cast("double"))).collect()
    """
    running = start(endless).wait("RUNNING")
    eventually(lambda: "begun" in running.log)
    time.sleep(1)
    began = time.monotonic()
    running.stop()
    running.wait("STOPPED")
    assert time.monotonic() - began < 10
    messages = aws("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", [])
    assert [json.loads(message["Body"])["detail"]["jobRunId"] for message in messages] == [running.run_id]


def test_a_run_beyond_its_timeout_is_ended(start):
    from ministack.services import glue

    endless = start("import time\nwhile True: time.sleep(0.1)").wait("RUNNING")
    glue._job_runs[endless.job][0]["Timeout"] = 0.01  # minutes; the API takes whole ones
    assert endless.wait().state == "TIMEOUT"
    assert endless.error == "Job run exceeded its timeout of 0.01 minutes"


def test_great_expectations_uses_the_jobs_session(run):
    script = """
        import great_expectations as gx
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.getOrCreate()
        source = gx.get_context(mode="ephemeral").data_sources.add_spark("lake")
        asset = source.add_dataframe_asset("lines").add_batch_definition_whole_dataframe("all")
        batch = asset.get_batch({"dataframe": spark.range(10).selectExpr("id AS line_id")})
        print(batch.validate(gx.expectations.ExpectColumnValuesToBeUnique(column="line_id")).success)
        print(source.get_execution_engine().spark is spark)
    """
    assert run(script).log[-2:] == ["True", "True"]


def test_athena_does_not_see_rows_that_a_job_deleted(run, aws, eventually):
    script = """
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.getOrCreate()
        spark.sql("CREATE NAMESPACE glue_catalog.returns LOCATION 's3://glue-test/returns'")
        spark.sql("CREATE TABLE glue_catalog.returns.lines USING iceberg TBLPROPERTIES "
                  "('write.delete.mode' = 'merge-on-read') AS SELECT id FROM range(5)")
        spark.sql("DELETE FROM glue_catalog.returns.lines WHERE id = 3")
        print(spark.table("glue_catalog.returns.lines.delete_files").count())
    """
    assert run(script).log == ["1"]
    athena = aws("athena")
    query_id = athena.start_query_execution(
        QueryString="SELECT array_agg(id ORDER BY id) FROM returns.lines",
        ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/results/"},
    )["QueryExecutionId"]
    state = athena.get_query_execution
    eventually(lambda: state(QueryExecutionId=query_id)["QueryExecution"]["Status"]["State"] == "SUCCEEDED")
    rows = athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]["Rows"]
    assert rows[1]["Data"] == [{"VarCharValue": "[0, 1, 2, 4]"}]


def test_a_run_counts_its_seconds_and_dpus(run):
    record = run("import time\ntime.sleep(1.5)", WorkerType="G.2X", NumberOfWorkers=5).record
    assert record["ExecutionTime"] == 2
    assert 15 <= record["DPUSeconds"] < 25
    assert record["CompletedOn"] > record["StartedOn"]


def test_a_job_runs_as_often_at_once_as_it_may(start, aws):
    first = start("import time\ntime.sleep(2)", ExecutionProperty={"MaxConcurrentRuns": 2})
    JobRun.start(aws, first.job, {})
    with pytest.raises(aws("glue").exceptions.ConcurrentRunsExceededException):
        JobRun.start(aws, first.job, {})


def test_a_failed_job_is_tried_again_as_often_as_it_may(run):
    failed = run("print('tried')\nraise RuntimeError('again')", MaxRetries=2)
    assert (failed.record["Attempt"], failed.log.count("tried")) == (2, 3)


def test_a_missing_script_is_named(lake, aws):
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{BUCKET}/nowhere.py"}
    aws("glue").create_job(Name="unscripted", Role="job-role", Command=command)
    failed = JobRun.start(aws, "unscripted", {}).wait()
    assert failed.error == f"MissingObject: s3://{BUCKET}/nowhere.py does not exist"


def test_the_checkout_is_hidden(run):
    failed = run("import shoplake")
    assert failed.error == "ModuleNotFoundError: No module named 'shoplake' in the job's --extra-py-files"


def test_a_changed_wheel_is_what_runs(run, aws):
    script = "import shoplake, shoplake_extra\nprint(shoplake.VERSION, shoplake_extra.VERSION, shoplake.__file__)"
    arguments = {"--extra-py-files": f"s3://{BUCKET}/artifacts/shoplake.whl,s3://{BUCKET}/artifacts/extra.zip"}
    aws("s3").put_object(Bucket=BUCKET, Key="artifacts/extra.zip", Body=wheel(shoplake_extra="VERSION = 10"))
    for version in (1, 2):
        content = wheel(shoplake=f"VERSION = {version}")
        aws("s3").put_object(Bucket=BUCKET, Key="artifacts/shoplake.whl", Body=content)
        finished = run(script, arguments)
        assert finished.error is None
        assert finished.log[0].startswith(f"{version} 10 ")
        assert str(Path(__file__).parents[2] / "shoplake") not in finished.log[0]


def test_runs_that_a_stop_cut_off_are_failed_after_a_restart(start, lake):
    from ministack.services import glue

    cut_off = start("import time\ntime.sleep(600)").wait("RUNNING")
    glue.load_persisted_state(glue.get_state())
    assert (cut_off.state, cut_off.error) == ("FAILED", "The local lake stopped while this job was running.")
    cut_off.stop()


def test_a_run_whose_jvm_dies_fails_at_once_and_the_next_one_gets_a_new_jvm(lake, start, eventually):
    running = start("import time\nprint('begun', flush=True)\nwhile True: time.sleep(0.1)").wait("RUNNING")
    eventually(lambda: "begun" in running.log)
    (_, jvm) = lake._driver.pids()
    os.kill(jvm, signal.SIGKILL)
    assert running.wait(timeout_s=10).state == "ERROR"
    assert running.error.startswith("SparkDriverEnded: the local Spark driver ended")
    assert start(SESSION_COUNT).wait().log == ["3"]


SESSION_COUNT = """
    from pyspark.sql import SparkSession
    print(SparkSession.builder.getOrCreate().range(3).count())
"""


def test_no_jvm_outlives_its_parent(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", KILLED_PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, f"still there: {pids}"
        time.sleep(0.1)


KILLED_PARENT = """
import sys, time
from pathlib import Path
from local.spark.client import SparkDriver
from local.spark.settings import spark_settings

driver = SparkDriver(Path(sys.argv[1]), spark_settings("http://127.0.0.1:9", None))
driver.warm_up()
while not driver.pids()[1:]:
    time.sleep(0.1)
print(*driver.pids(), flush=True)
time.sleep(600)
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A killed process whose parent doesn't ask for it is still listed, as a zombie.
    return "Z" not in subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout


def test_a_hook_that_no_longer_fits_is_told(emulator, monkeypatch):
    from ministack.services import glue

    from local.gaps import glue_jobs

    monkeypatch.setattr(glue, "_start_job_run", lambda request: None)
    with pytest.raises(hooks.HookMismatch, match="_start_job_run"):
        glue_jobs.install()
