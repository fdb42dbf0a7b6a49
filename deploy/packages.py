"""Python packages that functions and jobs bring along: a layer for Lambda, a wheelhouse for Glue.

Both are made of wheels that a lock names with their hashes, so that the same lock gives the same bytes. `make lock`
writes the locks anew from pyproject.toml, constraints.txt and what Glue ships.
"""

import hashlib
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from shoplake.artifacts import Artifact, artifact, write_zip
from shoplake.errors import ShoplakeError
from shoplake.inventory import load_inventory
from shoplake.root import root

LOCKS = Path("deploy/packages")
# Of a function with its layers, unpacked: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_UNPACKED_BYTES = 250 * 1024 * 1024
_PROCESSORS = {"arm64": "aarch64", "x86_64": "x86_64"}
_BROUGHT_BY_GLUE = {"awsgluedataplanepython", "boto3", "pyspark"}


@dataclass(frozen=True)
class Target:
    """Where packages are to run: a Python, a processor, and the lock of what they are."""

    lock: str
    python: str
    processor: str
    extra: str
    constraints: tuple[str, ...]

    @property
    def pip(self) -> list[str]:
        """pip's options that ask for wheels of another machine. Both run on Amazon Linux 2023, glibc 2.34."""
        platforms = [f"manylinux2014_{self.processor}", f"manylinux_2_28_{self.processor}", "any"]
        return [
            "--only-binary=:all:", f"--python-version={self.python}", "--implementation=cp",
            *(f"--platform={platform}" for platform in platforms),
        ]  # fmt: skip


def layer_target() -> Target:
    """Lambda's Python and processor, as lake.yaml names them."""
    inventory = load_inventory()
    processor = _PROCESSORS[inventory.function_architecture]
    python = inventory.function_runtime.removeprefix("python")
    return Target("layer.lock", python, processor, "functions", ("constraints.txt",))


def wheelhouse_target() -> Target:
    """Glue's: what it ships comes before our own pins."""
    return Target(
        "wheelhouse.lock", "3.11", "x86_64", "jobs", (str(LOCKS / f"glue-{load_inventory().glue_version}.txt"),)
    )


def build_layer(folder: Path, largest_function_bytes: int) -> Artifact:
    """The layer's zip, in `folder`. Raises ShoplakeError where it would be larger than Lambda takes."""
    entries: dict[str, bytes] = {}
    for wheel in _wheels(layer_target(), folder):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                place = _place_in_layer(name)
                if place:
                    entries[place] = archive.read(name)
    unpacked = sum(map(len, entries.values())) + largest_function_bytes
    if unpacked > MOST_UNPACKED_BYTES:
        raise ShoplakeError(
            f"The layer and the largest function are {unpacked:,} bytes unpacked, and Lambda takes "
            f"{MOST_UNPACKED_BYTES:,}: leave a package out of the functions' in pyproject.toml."
        )
    key = "layers/packages.zip"
    return artifact(folder, key, write_zip(folder / key, entries))


def build_wheelhouse(folder: Path) -> Artifact:
    """The jobs' zip of wheels, in the form that Glue knows by its ending."""
    wheels = _wheels(wheelhouse_target(), folder)
    entries = {f"wheels/{wheel.name}": wheel.read_bytes() for wheel in wheels}
    names = sorted("==".join(wheel.name.split("-")[:2]) for wheel in wheels)
    entries["wheels/requirements.txt"] = ("\n".join(names) + "\n").encode()
    key = "wheels/packages.gluewheels.zip"
    return artifact(folder, key, write_zip(folder / key, entries))


# Of pyarrow: its network protocol, 22 MB that no function loads, and other names of the library that is loaded
# (`.so.2100`), which are copies in a zip.
_UNUSED = re.compile(r"pyarrow/(lib)?_?(arrow_|arrow_python_)?flight\b.*|pyarrow/lib\w+\.so(\.\d+\.\d+\.\d+)?")


def _place_in_layer(name: str) -> str | None:
    """Where a wheel's file goes: below `python/`; nothing of compiled code, tests, commands and what nobody loads."""
    data = re.match(r"[^/]+\.data/(purelib|platlib)/(.+)", name)
    inside = data[2] if data else name
    if name.endswith("/") or (".data/" in name and not data):
        return None
    parts = inside.split("/")
    if "__pycache__" in parts or "tests" in parts[1:] or inside.endswith((".pyc", ".pyx", ".pxd", ".hpp", ".h", ".cc")):
        return None
    return None if _UNUSED.fullmatch(inside) else f"python/{inside}"


def _wheels(target: Target, folder: Path) -> list[Path]:
    """The lock's wheels, downloaded once, by name. Raises ShoplakeError where one can't be had or isn't what it was."""
    lock = root() / LOCKS / target.lock
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    place = folder / "downloads" / f"{target.lock}-{target.python}-{target.processor}-{digest}"
    wanted = sum("==" in line for line in lock.read_text().splitlines())
    if not place.is_dir() or len(list(place.glob("*.whl"))) != wanted:
        _pip("download", "--no-deps", "--require-hashes", "--dest", str(place), "-r", str(lock), *target.pip)
    return sorted(place.glob("*.whl"))


def lock(target: Target) -> None:
    """Write the target's lock: every package that it needs, with its wheel's hash."""
    shipped = _names(root() / target.constraints[0]) if target.extra == "jobs" else set()
    with tempfile.TemporaryDirectory() as folder:
        constraints = [f"--constraint={root() / file}" for file in target.constraints]
        _pip("download", "--dest", folder, *constraints, *target.pip, *_wanted(target))
        lines = []
        for wheel in sorted(Path(folder).glob("*.whl"), key=lambda path: path.name.lower()):
            name, version = wheel.name.split("-")[:2]
            if f"{_folded(name)}=={version}" not in shipped:
                digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
                lines.append(f"{_folded(name)}=={version} --hash=sha256:{digest}\n")
    (root() / LOCKS / target.lock).write_text("".join(lines))


def _wanted(target: Target) -> list[str]:
    """What pyproject.toml names for the target, the jobs' own at the versions of constraints.txt."""
    with (root() / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    names = [*project["dependencies"], *project["optional-dependencies"][target.extra]]
    if target.extra != "jobs":
        return names
    pins = dict(line.split("==") for line in _names(root() / "constraints.txt"))
    return [f"{name}=={pins[_folded(name)]}" for name in names if name not in _BROUGHT_BY_GLUE]


def _names(file: Path) -> set[str]:
    """The `name==version` lines of a file of constraints."""
    lines = [line.strip() for line in file.read_text().splitlines() if "==" in line and not line.startswith("#")]
    return {f"{_folded(line.split('==')[0])}=={line.split('==')[1]}" for line in lines}


def _folded(name: str) -> str:
    """https://packaging.python.org/en/latest/specifications/name-normalization/"""
    return re.sub(r"[-_.]+", "-", name).lower()


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        reason = " ".join(answer.stderr.split())[-600:]
        raise ShoplakeError(
            f"Packages can't be had ({reason}): check the network; after a change of Python, processor or a pin, run "
            "`make lock` first."
        )


if __name__ == "__main__":
    for each in (layer_target(), wheelhouse_target()):
        lock(each)
