"""A run of a Glue job under test, and wheels for it."""

import io
import time
import zipfile

ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR")


class JobRun:
    def __init__(self, aws, job, run_id):
        self._aws, self.job, self.run_id = aws, job, run_id

    @classmethod
    def start(cls, aws, job, arguments):
        return cls(aws, job, aws("glue").start_job_run(JobName=job, Arguments=arguments)["JobRunId"])

    def wait(self, *states, timeout_s=120):
        deadline = time.monotonic() + timeout_s
        while self.state not in (states or ENDED):
            assert time.monotonic() < deadline, f"{self.state}: {self.record}"
            time.sleep(0.05)
        return self

    def stop(self):
        self._aws("glue").batch_stop_job_run(JobName=self.job, JobRunIds=[self.run_id])

    @property
    def record(self):
        return self._aws("glue").get_job_run(JobName=self.job, RunId=self.run_id)["JobRun"]

    @property
    def state(self):
        return self.record["JobRunState"]

    @property
    def error(self):
        return self.record.get("ErrorMessage")

    @property
    def log(self):
        events = self._aws("logs").get_log_events(
            logGroupName="/aws-glue/jobs/output", logStreamName=self.run_id, startFromHead=True
        )
        return [event["message"] for event in events["events"]]


def wheel(**modules) -> bytes:
    """A wheel whose packages hold one module each: wheel(shoplake="VERSION = 1")."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        for name, source in modules.items():
            files.writestr(f"{name}/__init__.py", source)
    return archive.getvalue()
