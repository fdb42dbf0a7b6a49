"""Glue jobs with their scripts, sizes and Spark settings."""

from local.provision.account import Account, found
from shoplake.artifacts import Artifacts
from shoplake.aws import client
from shoplake.config import Lake

LOG_GROUPS = ("/aws-glue/jobs/output", "/aws-glue/jobs/error")


def provision(account: Account, artifacts: Artifacts) -> None:
    for log_group in LOG_GROUPS:
        account.ensure_log_group(log_group, account.lake.settings.log_days.jobs)
    for name in account.lake.inventory.jobs:
        _ensure_job(account, name, artifacts)


def _ensure_job(account: Account, name: str, artifacts: Artifacts) -> None:
    lake, glue = account.lake, client("glue")
    job, job_name, worker = lake.inventory.jobs[name], lake.job_name(name), lake.settings.worker
    wanted = {
        "Role": account.ensure_role(name, "glue"),
        "Command": {
            "Name": "glueetl",
            "ScriptLocation": f"s3://{lake.artifacts_bucket}/{artifacts.scripts[name].key}",
            "PythonVersion": "3",
        },
        "GlueVersion": lake.inventory.glue_version,
        "WorkerType": worker.type,
        "NumberOfWorkers": worker.number,
        "Timeout": job.timeout_min,
        "MaxRetries": 0,  # the state machine knows what is worth a retry
        "ExecutionProperty": {"MaxConcurrentRuns": 1},
        "DefaultArguments": {
            "--env": lake.env,
            "--account": lake.account,
            "--extra-py-files": f"s3://{lake.artifacts_bucket}/{artifacts.wheel.key}",
            "--datalake-formats": "iceberg",
            "--conf": conf_argument(spark_settings(lake)),
        },
    }
    answer = found(glue.get_job, "EntityNotFoundException", JobName=job_name)
    account.ensure(
        f"job {job_name}",
        answer and answer["Job"],
        wanted,
        create=lambda: glue.create_job(Name=job_name, **wanted),
        update=lambda: glue.update_job(JobName=job_name, JobUpdate=wanted),
    )


def spark_settings(lake: Lake) -> dict[str, str]:
    """Spark's settings for jobs: those of `lake.yaml`, and the Iceberg catalog `glue_catalog`."""
    return {
        **lake.inventory.spark,
        **lake.inventory.iceberg,
        "spark.sql.shuffle.partitions": str(lake.settings.shuffle_partitions),
        "spark.sql.catalog.glue_catalog.warehouse": lake.uri(""),
    }


def conf_argument(settings: dict[str, str]) -> str:
    """Glue takes one `--conf` argument, so that the others stand in its value: `k=v --conf k2=v2`."""
    return " --conf ".join(f"{name}={value}" for name, value in settings.items())
