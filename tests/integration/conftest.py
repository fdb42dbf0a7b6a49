"""One emulator in this process for all integration tests, on a free port, with a state folder of its own."""

import io
import json
import os
import socket
import textwrap
import time
import uuid
import zipfile

import boto3
import pytest

from local import mailbox
from local.emulator import Emulator


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """A running Emulator with every gap filled. Starts no Spark: the Glue gap does, at the first job."""
    state_dir = tmp_path_factory.mktemp("lake")
    before = dict(os.environ)
    mail = mailbox.Mailbox(state_dir, port=free_port()).start()
    os.environ["SHOPLAKE_SMTP_PORT"] = str(mail.port)
    running = Emulator(free_port(), state_dir).start()
    boto3.setup_default_session()  # one that was made before knows nothing of the profile that was just set
    yield running
    running.stop()
    mail.stop()
    os.environ.clear()
    os.environ.update(before)
    boto3.setup_default_session()


@pytest.fixture(scope="session")
def aws(emulator):
    """A function `aws("s3")` that gives a boto3 client of the emulator."""
    clients = {}

    def client(service: str):
        if service not in clients:
            clients[service] = boto3.client(service, endpoint_url=emulator.url)
        return clients[service]

    return client


@pytest.fixture(name="eventually", scope="session")
def eventually_fixture():
    return eventually


def zip_function(source: str) -> bytes:
    """A deployment package of one file with a `handler(event, context)`."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("index.py", textwrap.dedent(source))
    return archive.getvalue()


@pytest.fixture(scope="session")
def function_zip():
    """A function that tells where it would send its requests."""
    return zip_function("""
        import os

        def handler(event, context):
            return {"endpoint": os.environ["AWS_ENDPOINT_URL"]}
    """)


@pytest.fixture(scope="session")
def function(aws):
    """Deploys Python source with a `handler(event, context)` as a Lambda function; returns its name."""

    def deploy(source: str, **settings) -> str:
        name = f"function-{uuid.uuid4().hex[:8]}"
        aws("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="index.handler",
            Role="arn:aws:iam::000000000000:role/test",
            Code={"ZipFile": zip_function(source)},
            **({"Timeout": 30} | settings),
        )
        return name

    return deploy


@pytest.fixture(scope="session")
def execute(aws):
    """Starts a JSONata state machine made of `states` and waits for its end; returns an Execution."""

    def run(states: dict, data=None, wait=True, **fields) -> "Execution":
        definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states} | fields
        machine = aws("stepfunctions").create_state_machine(
            name=f"machine-{uuid.uuid4().hex[:8]}",
            definition=json.dumps(definition),
            roleArn="arn:aws:iam::000000000000:role/test",
        )
        started = aws("stepfunctions").start_execution(
            stateMachineArn=machine["stateMachineArn"], input=json.dumps({} if data is None else data)
        )
        execution = Execution(aws("stepfunctions"), started["executionArn"])
        return execution.wait() if wait else execution

    return run


class Execution:
    """An execution under test: its end, its output and its history."""

    def __init__(self, client, arn: str) -> None:
        self.arn = arn
        self._client = client

    def wait(self, timeout_s: float = 30) -> "Execution":
        eventually(lambda: self.status != "RUNNING", timeout_s)
        return self

    def stop(self) -> None:
        self._client.stop_execution(executionArn=self.arn, error="Stopped", cause="by a test")

    @property
    def description(self) -> dict:
        return self._client.describe_execution(executionArn=self.arn)

    @property
    def status(self) -> str:
        return self.description["status"]

    @property
    def output(self):
        found = self.description
        assert found["status"] == "SUCCEEDED", found
        return json.loads(found["output"])

    @property
    def events(self) -> list[dict]:
        pages = self._client.get_paginator("get_execution_history").paginate(executionArn=self.arn)
        return [event for page in pages for event in page["events"]]

    @property
    def event_types(self) -> list[str]:
        return [event["type"] for event in self.events]


def eventually(condition, timeout_s: float = 15) -> None:
    """Wait until `condition()` is true; fails after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not true within {timeout_s} s"
        time.sleep(0.05)
