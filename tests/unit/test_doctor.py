"""`shoplake doctor`: what each check says of a machine that is as it should be, and of one that isn't."""

import fcntl
import json
import shutil
import socket
import sys
from collections import namedtuple
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import doctor
from cli.main import app
from local import checkup, control, jars, java
from shoplake.checks import OK, PROBLEM, WARNING, Check


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A state folder that isn't there yet, and nothing of the person's own settings."""
    for name in ("SHOPLAKE_ENV", "SHOPLAKE_PORT", "SHOPLAKE_ACCOUNT", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SHOPLAKE_STATE_DIR", str(tmp_path / "lake"))
    return tmp_path / "lake"


def shoplake(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_this_machine_can_run_the_lake(folder):
    """Nothing is faked here: the tests' own machine must pass, but for what else runs on it just now."""
    answer = shoplake("doctor", "--json")
    found = {check["name"]: check for check in json.loads(answer.stdout)}
    assert list(found) == [
        "Python", "Packages", "Java", "Spark's jars", "State folder", "Local lake", "Port", "Memory", "Disk",
        "Declarations", "Text",
    ]  # fmt: skip
    problems = {name for name, check in found.items() if check["state"] == PROBLEM}
    assert problems <= {"Memory", "Disk"}, found
    assert answer.exit_code == bool(problems)
    assert found["State folder"]["found"] == f"{folder}, made by shoplake up"
    assert not folder.exists()


def test_a_problem_is_shown_with_what_to_do_and_ends_with_1(folder, monkeypatch):
    checks = [Check("Java", PROBLEM, "there is none", "Install [17]."), Check("Disk", OK, "9 GB free")]
    monkeypatch.setattr(checkup, "check_machine", lambda state_dir: checks)
    answer = shoplake("doctor")
    assert answer.exit_code == 1
    assert [" ".join(line.split()) for line in answer.stdout.splitlines()] == [
        "problem Java there is none",
        "Install [17].",
        "ok Disk 9 GB free",
        "ok Declarations lake.yaml, contracts, tables, views and queries can be read",
        "ok Text UTF-8",
        "1 of 4 checks would stop `shoplake up`: mend what is red, from the top.",
    ]


def test_a_warning_stops_nothing(folder, monkeypatch):
    monkeypatch.setattr(checkup, "check_machine", lambda state_dir: [Check("Disk", WARNING, "2 GB free", "Make room.")])
    assert shoplake("doctor").exit_code == 0


def test_another_python_is_a_problem():
    assert checkup.python((3, 11, 9)).state == OK
    refused = checkup.python((3, 13, 1))
    assert (refused.state, refused.found) == (PROBLEM, f"3.13.1, {sys.executable}")
    assert "brew install python@3.11" in refused.advice


def test_packages_that_differ_from_the_tested_ones_are_named(tmp_path):
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("# why\nno-such-package==1.0\npytest==0.1\n")
    found = checkup.packages(constraints)
    assert found.state == WARNING
    assert found.found.startswith("no-such-package missing instead of 1.0, pytest ")
    assert found.found.endswith(" instead of 0.1")


def test_a_machine_without_java_or_jars_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(java, "_candidates", lambda: [])
    monkeypatch.setattr(jars, "jars_folder", lambda: tmp_path)
    no_java, no_jars = checkup.java(), checkup.jars()
    assert (no_java.state, no_jars.state) == (PROBLEM, PROBLEM)
    assert "sudo apt install openjdk-17-jdk-headless; macOS: brew install openjdk@17" in no_java.advice
    assert no_jars.found == f"Spark's jars are missing in {tmp_path}: run make install."


def test_a_folder_that_is_no_lakes_is_a_problem(folder):
    folder.mkdir()
    (folder / "precious.txt").touch()
    found = checkup.state_folder(folder)
    assert (found.state, found.advice) == (PROBLEM, "Give another one in SHOPLAKE_STATE_DIR.")


def test_a_folder_that_can_not_be_written_to_is_a_problem():
    found = checkup.state_folder(Path("/proc/shoplake"))  # not even by root
    assert (found.state, found.found.partition(" (")[0]) == (PROBLEM, "/proc can't be written to")


def test_a_lake_that_hangs_is_a_problem(folder):
    folder.mkdir()
    with open(folder / control.LOCK_FILE, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = checkup.daemon(folder)
    assert (found.state, found.found) == (PROBLEM, f"the lake of {folder} runs but doesn't answer")


def process(proc: Path, pid: int, folder: Path) -> None:
    (proc / str(pid)).mkdir(parents=True)
    arguments = ["python", "-m", "local.server", "--state-dir", str(folder), "--port", "4566"]
    (proc / str(pid) / "cmdline").write_text("\0".join(arguments))


def test_a_lake_left_behind_without_its_folder_is_named_with_how_to_end_it(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(checkup, "PROC", tmp_path / "proc")
    other = tmp_path / "other"
    other.mkdir()
    process(tmp_path / "proc", 4711, other)
    assert checkup.daemon(folder) == Check("Local lake", OK, f"doesn't run; another one runs on {other}")
    process(tmp_path / "proc", 4712, tmp_path / "gone")
    found = checkup.daemon(folder)
    assert (found.state, found.advice) == (WARNING, "End it: kill 4712.")


def test_a_taken_port_matters_only_where_it_was_asked_for(folder, monkeypatch):
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        taken = taker.getsockname()[1]
        monkeypatch.setattr(checkup, "DEFAULT_PORT", taken)
        by_default = checkup.port(folder)
        monkeypatch.setenv("SHOPLAKE_PORT", str(taken))
        by_name = checkup.port(folder)
    assert by_default == Check("Port", OK, f"{taken} is taken by another program: a free one is chosen")
    assert (by_name.state, by_name.found) == (PROBLEM, f"{taken} of SHOPLAKE_PORT is taken by another program")


@pytest.mark.parametrize(
    ("free", "state"), [(1_900_000_000, PROBLEM), (3_000_000_000, WARNING), (9_000_000_000, OK), (None, OK)]
)
def test_too_little_memory_is_said(folder, monkeypatch, free, state):
    monkeypatch.setattr(checkup, "free_memory", lambda: free)
    assert checkup.memory(folder).state == state


def test_free_memory_is_that_of_the_container(tmp_path):
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    proc.mkdir()
    cgroup.mkdir()
    (proc / "meminfo").write_text("MemTotal: 16000000 kB\nMemAvailable:    8000000 kB\n")
    assert checkup.free_memory(proc, cgroup) == 8_192_000_000
    for name, value in {
        "memory.max": "3000",
        "memory.current": "2500",
        "memory.stat": "anon 1\ninactive_file 400\n",
    }.items():
        (cgroup / name).write_text(value)
    assert checkup.free_memory(proc, cgroup) == 900
    (cgroup / "memory.max").write_text("max\n")
    assert checkup.free_memory(proc, cgroup) == 8_192_000_000
    assert checkup.free_memory(tmp_path / "nowhere", cgroup) is None


@pytest.mark.parametrize(("free", "state"), [(900_000_000, PROBLEM), (4_000_000_000, WARNING), (9_000_000_000, OK)])
def test_a_full_disk_is_said(folder, monkeypatch, free, state):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(10**12, 0, free))
    assert checkup.disk(folder).state == state


def test_a_terminal_without_utf_8_is_a_warning(monkeypatch):
    monkeypatch.setattr(doctor.locale, "getpreferredencoding", lambda _: "ANSI_X3.4-1968")
    assert doctor.text().state == WARNING


@pytest.fixture
def terraform(tmp_path, monkeypatch):
    """A program of that name which says this."""

    def install(said: str) -> None:
        program = tmp_path / "terraform"
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return install


@pytest.mark.parametrize(
    ("said", "state", "found"),
    [
        ('{"terraform_version": "1.11.4"}', OK, "1.11.4, "),
        ('{"terraform_version": "1.11.0-rc1"}', OK, "1.11.0-rc1, "),
        ('{"terraform_version": "2.0.0"}', OK, "2.0.0, "),
        ('{"terraform_version": "1.10.5"}', PROBLEM, "1.10.5, older than 1.11"),
        ("Segmentation fault", PROBLEM, ""),
    ],
)
def test_terraform_must_be_new_enough(terraform, said, state, found):
    terraform(said)
    check = doctor.terraform()
    assert check.state == state
    assert check.found.startswith(found)


def test_a_machine_without_terraform_is_told_where_it_comes_from(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.terraform().found == "there is none on the PATH"
    assert "brew install hashicorp/tap/terraform" in doctor.terraform().advice


def test_a_region_without_glue_is_a_problem(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert doctor.region("eu-west-9").state == PROBLEM
    assert doctor.region("us-east-1") == Check(
        "Region", OK, "us-east-1, from lake.yaml; your shell says eu-west-1, which the lake's commands don't follow"
    )


class Sts:
    """Answers as the token service does, from an account and at a time."""

    def __init__(self, answer):
        self.answer = answer

    def get_caller_identity(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def sts(monkeypatch):
    import boto3

    def answers(answer) -> None:
        monkeypatch.setattr(boto3, "client", lambda service, **settings: Sts(answer))

    return answers


def identity(date: str) -> dict:
    who = {"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/ann"}
    return {**who, "ResponseMetadata": {"HTTPHeaders": {"date": date}}}


def test_credentials_of_another_account_are_a_problem(sts):
    sts(identity("Sat, 21 Nov 2026 10:00:00 GMT"))
    own, _ = doctor.credentials("dev", "us-east-1", "111122223333")
    foreign, _ = doctor.credentials("dev", "us-east-1", "999988887777")
    assert own == Check("Credentials", OK, "arn:aws:iam::111122223333:user/ann")
    assert (foreign.state, foreign.advice) == (PROBLEM, "Set AWS_PROFILE to a profile of that account.")


def test_missing_credentials_are_a_problem_with_how_to_sign_in(sts):
    from botocore.exceptions import NoCredentialsError

    sts(NoCredentialsError())
    (found,) = doctor.credentials("dev", "us-east-1", None)
    assert found.state == PROBLEM
    assert found.advice.startswith("Sign in (aws sso login), set AWS_PROFILE")


@pytest.mark.parametrize(("second", "state"), [(30, OK), (90, WARNING), (301, PROBLEM)])
def test_a_clock_that_is_off_is_said_before_aws_refuses_it(second, state):
    now = datetime.fromtimestamp(datetime(2026, 11, 21, 10, tzinfo=UTC).timestamp() + second, UTC)
    assert doctor.clock("Sat, 21 Nov 2026 10:00:00 GMT", now).state == state


def test_an_unknown_environment_is_misuse(folder):
    answer = shoplake("--env", "nowhere", "doctor")
    assert answer.exit_code == 2
    assert answer.stderr.startswith("Environment 'nowhere' is not in lake.yaml")


@pytest.mark.parametrize("command", ["doctor", "queries"])
def test_the_command_explains_itself_with_an_example(command):
    answer = shoplake(command, "--help")
    assert answer.exit_code == 0
    assert f"Example: shoplake {command}" in answer.stdout
