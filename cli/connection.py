"""Which lake a command talks to.

Only this module, and the commands that start and stop it, know of a local lake.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import Misuse
from shoplake.errors import ShoplakeError

if TYPE_CHECKING:
    from local.control import LakeProcess
    from shoplake.config import Lake

LOCAL = "local"
STATE_DIR = "SHOPLAKE_STATE_DIR"
NOT_RUNNING = "No local lake is running: start it with `shoplake up`."


def connect(env: str) -> "Lake":
    """The lake of an environment, with this process's AWS clients led to it.

    Raises ShoplakeError where no local lake runs, Misuse where lake.yaml doesn't know the environment.
    """
    from shoplake.config import load_lake

    settings = known_environment(env)
    if env == LOCAL:
        enter(running_lake())
        return load_lake(env)
    os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"] = settings.region
    account = settings.account or os.environ.get("SHOPLAKE_ACCOUNT") or _account_of_credentials()
    return load_lake(env, account)


def enter(process: "LakeProcess") -> None:
    """Lead every AWS client of this process to a running local lake. Call it before the first client is made."""
    from local.control import environment

    os.environ.update(environment(process))


def running_lake() -> "LakeProcess":
    """The local lake's process. Raises ShoplakeError where none runs."""
    from local.control import status

    with local_problems():
        process = status(state_dir())
    if process is None:
        raise ShoplakeError(NOT_RUNNING)
    return process


def state_dir() -> Path:
    """Where the local lake keeps all that it holds: `SHOPLAKE_STATE_DIR`, else `.shoplake` in the project folder."""
    from shoplake.root import root

    return Path(os.environ.get(STATE_DIR) or root() / ".shoplake").absolute()


def require_local(env: str, command: str) -> None:
    """Raises Misuse where a command that is only of the local lake is asked of another environment."""
    known_environment(env)
    if env != LOCAL:
        raise Misuse(f"`shoplake {command}` is of the local lake only: environment {env} runs on AWS.")


def mail_of(env: str) -> list[dict[str, str]]:
    """The local lake's mail, oldest first; also while the lake is down, as long as there is some."""
    require_local(env, "mail")
    from local.mailbox import read_mail

    letters = read_mail(state_dir())
    if not letters:
        running_lake()  # that there is no mail is worth saying only of a lake that runs
    return letters


def command(env: str, text: str) -> str:
    """A command for the person to run next, in the environment at hand."""
    return f"`shoplake {text}`" if env == LOCAL else f"`shoplake --env {env} {text}`"


@contextmanager
def local_problems() -> Iterator[None]:
    """Turns what the local lake complains of, a sentence each time, into ShoplakeError."""
    from local.control import LakeError
    from local.jars import JarsMissing
    from local.java import JavaMissing

    try:
        yield
    except (LakeError, JavaMissing, JarsMissing) as problem:
        raise ShoplakeError(str(problem)) from problem


def known_environment(env: str):
    from shoplake.inventory import load_inventory

    environments = load_inventory().environments
    if env not in environments:
        raise Misuse(f"Environment {env!r} is not in lake.yaml: it knows {', '.join(environments)}.")
    return environments[env]


def _account_of_credentials() -> str:
    from shoplake.aws import client

    return client("sts").get_caller_identity()["Account"]
