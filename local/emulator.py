"""AWS inside one Python process: the pinned emulator with its gaps filled, on loopback, kept on disk."""

import asyncio
import importlib
import logging
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from local import gaps
from local.saving import SavedState

ACCOUNT = "000000000000"
REGION = "us-east-1"
HOST = "127.0.0.1"
HEALTH_PATH = "/_ministack/health"
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 8
SNAPSHOT_TIMEOUT_S = 30
PROFILE_FILE = "aws_profile"
SERVICES = "services"
# First words of operations that change nothing, in the header that names a request's operation.
READING = ("BatchGet", "Describe", "Get", "List", "Query", "Scan")

logger = logging.getLogger(__name__)


class Emulator:
    """The local AWS of one state folder. At most one a process: the emulator reads its settings once.

    `start` returns when requests are answered. What the services hold survives `stop` and a new
    process on the same folder; `save` writes it without stopping. `changed` is set when a request may have
    changed something.
    """

    def __init__(self, port: int, state_dir: Path) -> None:
        self.port = port
        self.state_dir = Path(state_dir).absolute()
        self.url = f"http://{HOST}:{port}"
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._shutdown: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._saved = SavedState(self.state_dir / SERVICES, self._between_requests)
        self.changed = threading.Event()

    def start(self) -> "Emulator":
        """Fill the gaps and serve. Raises HookMismatch on another release, OSError when the port is taken."""
        if "ministack.app" in sys.modules:
            raise RuntimeError("The emulator was already imported: use one Emulator a process.")
        self.state_dir.mkdir(parents=True, exist_ok=True)
        (self.state_dir / PROFILE_FILE).write_text("[default]\n")
        os.environ.update(self._environment())
        self._saved.recover()
        gaps.install_all()
        importlib.import_module("local.gaps.sns_email").before_delivery = self.save
        self._thread = threading.Thread(target=self._serve, name="emulator", daemon=True)
        self._thread.start()
        self._wait_until_it_answers()
        return self

    def save(self) -> None:
        """Write the state of every service now. S3 objects are on disk already. Raises OSError (a full disk)."""
        from ministack import app

        self.changed.clear()
        self._saved.save(app._build_persistence_save_dict())

    def stop(self) -> None:
        """Stop serving, end executions, functions and the gaps' processes, and save."""
        if self._thread is None:
            return
        from ministack.core import lambda_runtime

        gaps.shut_down_all()
        # The loop waits for calls in progress, and a function may run for minutes.
        lambda_runtime.reset()
        if self._thread.is_alive() and self._loop is not None and self._shutdown is not None:
            self._loop.call_soon_threadsafe(self._shutdown.set)
            self._thread.join(STOP_TIMEOUT_S)
        lambda_runtime.reset()
        self.save()
        self._thread = None

    def _environment(self) -> dict[str, str]:
        """Settings of the emulator, and those that functions and jobs inherit from this process."""
        return {
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.state_dir / SERVICES),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.state_dir / "s3"),
            "AUTH": "false",
            "LAMBDA_WARM_TTL_SECONDS": "60",  # of a function's processes beyond the first, 60 MB each
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
            # No Docker, even where there is one: nothing of the lake may leave this process tree.
            "DOCKER_HOST": f"unix://{self.state_dir}/no-docker.sock",
            **client_environment(self.url, self.state_dir),
        }

    def _serve(self) -> None:
        from hypercorn.asyncio import serve
        from hypercorn.config import Config

        emulator = importlib.import_module("ministack.app")
        emulator.save_all = lambda services: None  # its own way of saving at its end; see local/saving.py
        config = Config()
        config.bind = [f"{HOST}:{self.port}"]
        config.keep_alive_timeout = 75
        config.graceful_timeout = 1
        config.loglevel = "WARNING"

        async def run() -> None:
            self._loop = asyncio.get_running_loop()
            self._shutdown = asyncio.Event()
            await serve(self._noting_changes(emulator.app), config, shutdown_trigger=self._shutdown.wait)

        try:
            asyncio.run(run())
        except BaseException as failure:  # handed to the thread that waits in start()
            self._failure = failure
            logger.exception("The emulator ended")

    def _noting_changes(self, application: Callable) -> Callable:
        """The ASGI application, which also sets `changed` after each request that may have changed something."""

        async def noting(scope, receive, send):
            try:
                await application(scope, receive, send)
            finally:
                if scope["type"] == "http" and not _only_reads(scope):
                    self.changed.set()

        return noting

    def _between_requests(self, function: Callable[[], Any]) -> Any:
        """Call a function on the event loop, where no request is half answered."""
        if self._loop is None or not self._loop.is_running():
            return function()
        answer: Future = Future()

        def work() -> None:
            try:
                answer.set_result(function())
            except Exception as failure:  # of the function, for whoever waits
                answer.set_exception(failure)

        self._loop.call_soon_threadsafe(work)
        return answer.result(SNAPSHOT_TIMEOUT_S)

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if not self._thread.is_alive():
                raise self._failure or RuntimeError("The emulator ended at its start.")
            if answers(self.url):
                return
            time.sleep(0.02)
        raise TimeoutError(f"The emulator did not answer at {self.url} within {START_TIMEOUT_S} s.")


def _only_reads(scope: dict) -> bool:
    """Whether a request can't change anything: by its method, or by the operation that it names."""
    target = next((value for name, value in scope["headers"] if name == b"x-amz-target"), b"").decode()
    return scope["method"] in ("GET", "HEAD") or target.rpartition(".")[2].startswith(READING)


def answers(url: str, timeout_s: float = 2) -> bool:
    """Whether an emulator answers at `url`. Goes past any HTTP proxy of the environment."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url + HEALTH_PATH, timeout=timeout_s) as answer:
            return answer.status == 200
    except OSError:
        return False


def client_environment(url: str, state_dir: Path) -> dict[str, str]:
    """Variables with which boto3, Spark and pyiceberg reach the emulator at `url` and nothing else.

    Each one overrides what the person's own shell may hold: a profile, a session token, a proxy, an
    endpoint for one service.
    """
    profile = str(Path(state_dir).absolute() / PROFILE_FILE)
    loopback = {
        "AWS_ENDPOINT_URL": url,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_PROFILE": "default",
        "AWS_DEFAULT_PROFILE": "default",
        "AWS_CONFIG_FILE": profile,
        "AWS_SHARED_CREDENTIALS_FILE": profile,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_USE_FIPS_ENDPOINT": "false",
        "AWS_USE_DUALSTACK_ENDPOINT": "false",
    }
    one_service = {name: url for name in os.environ if name.startswith("AWS_ENDPOINT_URL_")}
    hosts = [host for host in os.environ.get("NO_PROXY", "").split(",") if host]
    no_proxy = ",".join(dict.fromkeys([*hosts, HOST, "localhost"]))
    return loopback | one_service | {"NO_PROXY": no_proxy, "no_proxy": no_proxy}
