"""The emulator's side of the warm Spark driver: starts the process, hands it jobs, ends it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from local.spark.process import END_TIMEOUT_S, DriverProcess, Job


class SparkDriver:
    """The warm driver of one emulator, started when it is first needed.

    Imported modules stay imported, so jobs with other extra Python files need another process: `submit`
    then waits until the running jobs have ended and restarts it.
    """

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self._settings = settings
        self._process: DriverProcess | None = None
        self._extra_files: tuple[Path, ...] | None = None
        self._changed = threading.Condition()
        self._peak_memory_bytes = 0

    def warm_up(self) -> None:
        """Start the process if it isn't running and let it warm up. Returns at once.

        Raises JavaMissing or JarsMissing.
        """
        with self._changed:
            self._ensure_process()
            self._process.send({"do": "warm_up"})

    def submit(self, job: Job, on_start: Callable[[], None]) -> Future:
        """Run a job; the future's result is its Outcome. `on_start` is called when its script begins.

        Raises JavaMissing or JarsMissing.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._is_busy() or self._extra_files in (None, job.extra_files))
            if self._extra_files not in (None, job.extra_files):
                self._end_process()
            self._ensure_process()
            if self._extra_files is None:
                self._extra_files = job.extra_files
                places = [str(place) for place in job.extra_files]
                self._process.send({"do": "use_extra_files", "places": places})
            return self._process.submit(job, on_start)

    def stop(self, job_id: str) -> None:
        """Ask a job to end; its Outcome tells when it has."""
        with self._changed:
            if self._process:
                self._process.send({"do": "stop", "id": job_id})

    def kill(self) -> None:
        """End the process and whatever runs in it, for a job that does not heed `stop`."""
        with self._changed:
            self._end_process(timeout_s=0)

    def end(self) -> None:
        """End the process and its JVM."""
        with self._changed:
            self._end_process()

    def is_warm(self) -> bool:
        """Whether a warm-up has come to its end."""
        with self._changed:
            return self._process is not None and self._process.is_warm

    def pids(self) -> list[int]:
        """Process ids of the driver and its JVM, as far as they run."""
        with self._changed:
            return self._process.pids() if self._process else []

    def peak_memory_bytes(self) -> int:
        """Peak resident memory of the process and its JVM together; 0 where the system doesn't tell."""
        with self._changed:
            if self._process:
                self._peak_memory_bytes = max(self._peak_memory_bytes, self._process.peak_memory_bytes())
            return self._peak_memory_bytes

    def _is_busy(self) -> bool:
        return self._process is not None and self._process.is_busy()

    def _ensure_process(self) -> None:
        if self._process is None or not self._process.is_alive():
            self._extra_files = None
            self._process = DriverProcess(self.folder, self._settings, on_change=self._notify)

    def _end_process(self, timeout_s: float = END_TIMEOUT_S) -> None:
        if self._process:
            self._peak_memory_bytes = max(self._peak_memory_bytes, self._process.peak_memory_bytes())
            self._process.end(timeout_s)
        self._process, self._extra_files = None, None

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
