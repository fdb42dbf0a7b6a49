"""The daemon: what it keeps over a restart, where it listens, how it starts, stops and refuses."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest

from local import control
from local.memory import family
from tests.integration.conftest import eventually, zip_function

ROOT = Path(__file__).resolve().parents[2]
LISTEN = "0A"


@pytest.fixture
def state_dir(tmp_path, monkeypatch):
    """A folder for a lake of its own, which is ended whatever the test does. No Spark is started."""
    monkeypatch.setenv("SHOPLAKE_WARM_SPARK", "0")
    folder = tmp_path / "lake"
    yield folder
    control.down(folder)


def client(process: control.LakeProcess, service: str):
    return boto3.client(
        service,
        endpoint_url=process.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    )


def listening_addresses(pids: list[int]) -> set[tuple[str, int]]:
    """Address and port of each TCP socket that one of these processes listens on, from /proc."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(link)
            if target.startswith("socket:["):
                inodes.add(target[len("socket:[") : -1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pids[0]}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and fields[9] in inodes:
                address, port = fields[1].split(":")
                packed = bytes.fromhex(address)
                swapped = b"".join(packed[i : i + 4][::-1] for i in range(0, len(packed), 4))
                kind = socket.AF_INET if len(swapped) == 4 else socket.AF_INET6
                found.add((socket.inet_ntop(kind, swapped), int(port, 16)))
    return found


def test_objects_queues_and_messages_survive_a_restart_on_the_same_port(state_dir):
    first = control.up(state_dir)
    client(first, "s3").create_bucket(Bucket="kept")
    client(first, "s3").put_object(Bucket="kept", Key="a/b.csv", Body=b"hello")
    queue = client(first, "sqs").create_queue(QueueName="arrivals")["QueueUrl"]
    client(first, "sqs").send_message(QueueUrl=queue, MessageBody="waiting")
    assert control.down(state_dir) is True
    assert control.status(state_dir) is None

    second = control.up(state_dir)
    assert (second.port, second.pid == first.pid) == (first.port, False)
    assert client(second, "s3").get_object(Bucket="kept", Key="a/b.csv")["Body"].read() == b"hello"
    received = client(second, "sqs").receive_message(QueueUrl=queue)
    assert [message["Body"] for message in received["Messages"]] == ["waiting"]


def test_queues_are_found_after_the_lake_moved_to_another_port(state_dir):
    first = control.up(state_dir)
    queue = client(first, "sqs").create_queue(QueueName="arrivals")["QueueUrl"]
    client(first, "sqs").send_message(QueueUrl=queue, MessageBody="waiting")
    control.down(state_dir)
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", first.port))
        taker.listen()
        second = control.up(state_dir)
        assert second.port != first.port
        queue = client(second, "sqs").get_queue_url(QueueName="arrivals")["QueueUrl"]
        received = client(second, "sqs").receive_message(QueueUrl=queue)
    assert [message["Body"] for message in received["Messages"]] == ["waiting"]


def test_objects_survive_a_killed_daemon_and_its_traces_are_cleared(state_dir):
    first = control.up(state_dir)
    client(first, "s3").create_bucket(Bucket="kept")
    client(first, "s3").put_object(Bucket="kept", Key="k", Body=b"x")
    os.kill(first.pid, signal.SIGKILL)
    while (state_dir / "lake.json").exists():
        assert control.status(state_dir) is None
    second = control.up(state_dir)
    assert client(second, "s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"x"


def test_what_changed_before_a_kill_is_kept_after_a_moment(state_dir):
    first = control.up(state_dir)
    client(first, "sqs").create_queue(QueueName="arrivals")
    saved = state_dir / "services" / "sqs.json"
    eventually(lambda: saved.exists() and "arrivals" in saved.read_text())
    os.kill(first.pid, signal.SIGKILL)
    second = control.up(state_dir)
    assert client(second, "sqs").get_queue_url(QueueName="arrivals")["QueueUrl"]


def test_a_function_of_a_killed_daemon_writes_nothing_to_the_next_one(state_dir):
    first = control.up(state_dir)
    client(first, "s3").create_bucket(Bucket="kept")
    source = """
        import os, time, boto3

        def handler(event, context):
            boto3.client("s3").put_object(Bucket="kept", Key="begun", Body=b"")
            time.sleep(4)
            boto3.client("s3").put_object(Bucket="kept", Key="gone-on", Body=b"")
    """
    client(first, "lambda").create_function(
        FunctionName="f",
        Runtime="python3.13",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/test",
        Code={"ZipFile": zip_function(source)},
        Timeout=60,
    )
    client(first, "lambda").invoke(FunctionName="f", InvocationType="Event", Payload=b"{}")

    def keys(process):
        return [item["Key"] for item in client(process, "s3").list_objects_v2(Bucket="kept").get("Contents", [])]

    eventually(lambda: keys(first) == ["begun"])
    workers = [pid for pid in family(first.pid) if pid != first.pid]
    os.kill(first.pid, signal.SIGKILL)
    second = control.up(state_dir)
    assert [pid for pid in workers if Path(f"/proc/{pid}/exe").exists()] == []
    time.sleep(4)
    assert keys(second) == ["begun"]


def test_nothing_listens_beyond_loopback(state_dir):
    process = control.up(state_dir)
    addresses = listening_addresses(family(process.pid))
    assert {port for _, port in addresses} >= {process.port, process.smtp_port}
    assert {address for address, _ in addresses} == {"127.0.0.1"}


def test_lake_json_says_where_the_lake_is(state_dir):
    process = control.up(state_dir)
    found = json.loads((state_dir / "lake.json").read_text())
    assert (found["pid"], found["url"]) == (process.pid, f"http://127.0.0.1:{process.port}")
    assert control.up(state_dir) == process
    assert 20e6 < control.memory_bytes(process) < 1e9


def test_a_stop_is_quick_and_ends_the_functions_processes(state_dir, function_zip):
    process = control.up(state_dir)
    functions = client(process, "lambda")
    functions.create_function(
        FunctionName="f",
        Runtime="python3.13",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/test",
        Code={"ZipFile": function_zip},
    )
    answer = json.loads(functions.invoke(FunctionName="f", Payload=b"{}")["Payload"].read())
    assert answer["endpoint"] == process.url
    workers = [pid for pid in family(process.pid) if pid != process.pid]
    assert workers
    began = time.monotonic()
    control.down(state_dir)
    assert time.monotonic() - began < 10
    assert [pid for pid in workers if Path(f"/proc/{pid}").exists()] == []


def test_a_taken_port_is_refused_in_one_sentence(state_dir):
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        port = taker.getsockname()[1]
        with pytest.raises(control.LakeError, match=f"^Port {port} is taken by another program: .*--port"):
            control.up(state_dir, port=port)


def test_a_daemon_that_ends_at_its_start_is_shown_with_its_last_words_and_log(state_dir):
    control.up(state_dir)
    control.down(state_dir)
    shutil.rmtree(state_dir / "mail")
    (state_dir / "mail").write_text("a file where the folder should be")
    with pytest.raises(control.LakeError, match=r"ended at its start: FileExistsError.*mail.*server\.log\)$"):
        control.up(state_dir)


def test_a_folder_with_other_things_in_it_is_neither_used_nor_deleted(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for refused in (control.up, control.reset):
        with pytest.raises(control.LakeError, match="holds something other than a local lake"):
            refused(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_a_second_start_at_once_is_refused(state_dir):
    state_dir.mkdir()
    with control._only_start(state_dir), pytest.raises(control.LakeError, match="Another `shoplake up`"):
        control.up(state_dir)


def test_a_lake_starts_with_standard_input_closed_and_outlives_its_starter(state_dir):
    code = f"from local import control; print(control.up({str(state_dir)!r}).pid)"
    started = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" <&-', sys.executable, code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert started.stderr == ""
    assert control.status(state_dir).pid == int(started.stdout)


def test_a_reset_leaves_nothing(state_dir):
    control.up(state_dir)
    control.reset(state_dir)
    assert not state_dir.exists()
    assert control.status(state_dir) is None


def test_the_lakes_environment_overrides_a_persons_own(state_dir, monkeypatch):
    for name, value in {
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "secret",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "AWS_USE_FIPS_ENDPOINT": "true",
    }.items():
        monkeypatch.setenv(name, value)
    process = control.up(state_dir)
    code = "import boto3; print(boto3.client('s3').list_buckets()['Buckets'])"
    environment = os.environ | control.environment(process)
    asked = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (asked.stdout, asked.stderr) == ("[]\n", "")
