"""The Java libraries of local Spark (Iceberg, S3A, AWS), resolved once into the virtual environment.

`python -m local.jars` fetches them; a second call is instant. They are the ones of Glue 5.1 where a
version shows in what jobs do: Iceberg 1.10.0, Hadoop 3.3.4.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from local.java import JavaMissing, java_environment

PACKAGES = (
    "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.0",
    "org.apache.iceberg:iceberg-aws-bundle:1.10.0",
    "org.apache.hadoop:hadoop-aws:3.3.4",
    "com.amazonaws:aws-java-sdk-s3:1.12.262",
    "com.amazonaws:aws-java-sdk-sts:1.12.262",
    "com.amazonaws:aws-java-sdk-dynamodb:1.12.262",
)
# The three SDK modules above stand in for the bundle of 280 MB; the others come with Spark.
EXCLUDED = (
    "com.amazonaws:aws-java-sdk-bundle",
    "com.fasterxml.jackson.core:jackson-core",
    "com.fasterxml.jackson.core:jackson-databind",
    "commons-logging:commons-logging",
    "org.wildfly.openssl:wildfly-openssl",
)
STAMP = "resolved.json"
TIMEOUT_S = 1200


class JarsMissing(RuntimeError):
    """The jars are not there, or are others than PACKAGES names."""


class ResolutionFailed(RuntimeError):
    """Ivy could not fetch the jars."""


def jars_folder() -> Path:
    """Where the jars are kept: one folder a virtual environment."""
    return Path(sys.prefix) / "spark-jars"


def jar_paths() -> list[Path]:
    """Every jar that Spark needs beside its own, by name. Raises JarsMissing."""
    folder = jars_folder()
    stamp = _read_stamp(folder)
    wanted = {folder / name: size for name, size in stamp.get("sizes", {}).items()}
    whole = all(path.is_file() and path.stat().st_size == size for path, size in wanted.items())
    if not wanted or not whole or stamp.get("packages") != list(PACKAGES):
        raise JarsMissing(f"Spark's jars are missing in {folder}: run make install.")
    return sorted(wanted)


def resolve() -> list[Path]:
    """The paths of the jars, fetched when they are not there yet. Prints a line of progress meanwhile.

    Raises ResolutionFailed with what Ivy said, or JavaMissing.
    """
    try:
        return jar_paths()
    except JarsMissing:
        pass
    folder = jars_folder()
    # Beside the final folder and renamed at the end, so that an interrupted call leaves nothing half-made.
    ivy = folder.with_name("spark-jars.partial")
    shutil.rmtree(ivy, ignore_errors=True)
    ivy.mkdir(parents=True)
    _run_ivy(ivy)
    jars = ivy / "jars"
    sizes = {path.name: path.stat().st_size for path in sorted(jars.glob("*.jar"))}
    (jars / STAMP).write_text(json.dumps({"packages": PACKAGES, "sizes": sizes}, indent=1))
    shutil.rmtree(folder, ignore_errors=True)
    jars.rename(folder)
    shutil.rmtree(ivy, ignore_errors=True)
    return jar_paths()


def _run_ivy(ivy: Path) -> None:
    """Let Spark resolve PACKAGES into `ivy`/jars; its own chatter is shown only when it fails."""
    import pyspark

    nothing = ivy / "nothing.py"
    nothing.write_text("")
    submit = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
        "--master=local[1]",
        f"--packages={','.join(PACKAGES)}",
        f"--exclude-packages={','.join(EXCLUDED)}",
        f"--conf=spark.jars.ivy={ivy}",
        "--conf=spark.driver.host=127.0.0.1",
        "--conf=spark.driver.bindAddress=127.0.0.1",
        str(nothing),
    ]
    environment = {**os.environ, **java_environment(), "PYSPARK_PYTHON": sys.executable}
    log = ivy / "ivy.log"
    started = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(submit, stdout=output, stderr=subprocess.STDOUT, env=environment)
        try:
            while process.poll() is None:
                if time.monotonic() - started > TIMEOUT_S:
                    raise ResolutionFailed(
                        f"Fetching Spark's jars took more than {TIMEOUT_S} s: run make install again."
                    )
                _progress(ivy, started, end="")
                time.sleep(0.5)
        finally:
            process.kill()
            process.wait()
    _progress(ivy, started, end="\n")
    if process.returncode != 0:
        raise ResolutionFailed("Spark's jars could not be fetched:\n" + "\n".join(_complaints(log.read_text())))


def _progress(ivy: Path, started: float, end: str) -> None:
    """One line that is rewritten on a terminal, and written once, at the end, elsewhere."""
    if not end and not sys.stdout.isatty():
        return
    # Ivy keeps a jar in its cache and links or copies it into jars/: count the cache.
    fetched = sum(_size(path) for path in (ivy / "cache").rglob("*.jar*"))
    seconds = time.monotonic() - started
    start_of_line = "\r" if sys.stdout.isatty() else ""
    print(f"{start_of_line}Spark's jars: {fetched / 1e6:,.0f} MB in {seconds:.0f} s", end=end, flush=True)


def _size(path: Path) -> int:
    """Bytes of a file, 0 when Ivy has just renamed it away."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _complaints(log: str) -> Iterator[str]:
    """The lines that say what went wrong, without the list of attempts."""
    telling = (
        "unresolved dependency",
        "not found",
        "unknown host",
        "exception",
        "refused",
        "timed out",
        "error",
    )
    lines = [line.strip() for line in log.splitlines() if any(word in line.lower() for word in telling)]
    yield from list(dict.fromkeys(lines))[:12] or log.splitlines()[-12:]


def _read_stamp(folder: Path) -> dict:
    try:
        return json.loads((folder / STAMP).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def main() -> int:
    try:
        paths = resolve()
    except (JavaMissing, ResolutionFailed) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"Spark's jars are ready: {len(paths)} files in {jars_folder()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
