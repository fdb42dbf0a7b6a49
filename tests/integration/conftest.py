"""One emulator in this process for all integration tests, on a free port, with a state folder of its own."""

import os
import socket

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
    yield running
    running.stop()
    mail.stop()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def aws(emulator):
    """A function `aws("s3")` that gives a boto3 client of the emulator."""
    clients = {}

    def client(service: str):
        if service not in clients:
            clients[service] = boto3.client(service, endpoint_url=emulator.url)
        return clients[service]

    return client
