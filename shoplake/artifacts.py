"""What is deployed, built from a checkout: a zip a function, a wheel for jobs, and the job scripts.

The same sources give the same bytes: entries are sorted, times and permissions fixed. So a hash says whether
anything changed, and the laptop runs byte for byte what AWS runs.
"""

import base64
import hashlib
import shutil
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shoplake.errors import ConfigurationError
from shoplake.inventory import load_inventory
from shoplake.root import BUNDLED, DECLARATIONS

HANDLER = "handler.handler"
_JOB_PACKAGES = ("shoplake", "quality")
_EARLIEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_READABLE_FILE = 0o100644 << 16
_MADE_ON_UNIX = 3


@dataclass(frozen=True)
class Artifact:
    """A file to deploy: where it was built, its key in the artifacts bucket, and its SHA-256 (hex)."""

    path: Path
    key: str
    sha256: str

    @property
    def lambda_sha256(self) -> str:
        """The hash as Lambda's CodeSha256 gives it."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()


@dataclass(frozen=True)
class Artifacts:
    """All that is deployed; functions and scripts (one a job) by their names in `lake.yaml`."""

    functions: dict[str, Artifact]
    scripts: dict[str, Artifact]
    wheel: Artifact


def build_artifacts(source_root: Path, target: Path) -> Artifacts:
    """Build everything that the checkout `source_root` deploys into the folder `target`.

    Raises ConfigurationError where `lake.yaml` names a function or script that isn't there.
    """
    inventory = load_inventory(source_root / "lake.yaml")
    shared = _package(source_root, "shoplake")
    functions = {}
    for name in inventory.functions:
        entries = _folder(_existing(source_root, f"lambdas/{name}/handler.py", f"functions.{name}").parent)
        key = f"functions/{name}.zip"
        functions[name] = artifact(target, key, write_zip(target / key, shared | dict(entries)))
    scripts = {}
    for name, job in inventory.jobs.items():
        script = _existing(source_root, job.script, f"jobs.{name}.script")
        key = f"jobs/{script.name}"
        scripts[name] = artifact(target, key, _copy(script, target / key))
    return Artifacts(functions, scripts, _wheel(source_root, target))


def _existing(source_root: Path, file: str, place: str) -> Path:
    path = source_root / file
    if not path.is_file():
        raise ConfigurationError(f"lake.yaml: {place}: there is no file {file}; write it or mend the name.")
    return path


def artifact(target: Path, key: str, content: bytes) -> Artifact:
    return Artifact(target / key, key, hashlib.sha256(content).hexdigest())


def _package(source_root: Path, package: str) -> dict[str, bytes]:
    """A package's files by their names in an archive; `shoplake` takes the lake's declarations along."""
    folder = source_root / package
    entries = {f"{package}/{name}": content for name, content in _folder(folder)}
    if package == "shoplake":
        for declaration in DECLARATIONS:
            path, inside = source_root / declaration, f"{package}/{BUNDLED.name}/{declaration}"
            if path.is_dir():
                entries |= {f"{inside}/{name}": content for name, content in _folder(path)}
            else:
                entries[inside] = path.read_bytes()
    return entries


def _folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, by its relative name; no compiled code, no hidden files."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and "__pycache__" not in parts and not any(part.startswith(".") for part in parts):
            yield "/".join(parts), path.read_bytes()


def _wheel(source_root: Path, target: Path) -> Artifact:
    """A wheel as the packaging standards describe it: packages, METADATA, WHEEL, RECORD with hashes.

    https://packaging.python.org/en/latest/specifications/binary-distribution-format/
    """
    with (source_root / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    name, version = project["name"], project["version"]
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata += [f"Summary: {project['description']}", f"Requires-Python: {project['requires-python']}"]
    metadata += [f"Requires-Dist: {dependency}" for dependency in project["dependencies"]]
    about = [
        "Wheel-Version: 1.0",
        f"Generator: {name} {version}",
        "Root-Is-Purelib: true",
        "Tag: py3-none-any",
    ]

    entries = {key: content for package in _JOB_PACKAGES for key, content in _package(source_root, package).items()}
    info = f"{name}-{version}.dist-info"
    entries |= {f"{info}/METADATA": _lines(metadata), f"{info}/WHEEL": _lines(about)}
    record = [f"{path},sha256={_record_hash(entries[path])},{len(entries[path])}" for path in sorted(entries)]
    entries[f"{info}/RECORD"] = _lines([*record, f"{info}/RECORD,,"])
    key = f"wheels/{name}-{version}-py3-none-any.whl"
    return artifact(target, key, write_zip(target / key, entries))


def _lines(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def _record_hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def write_zip(path: Path, entries: dict[str, bytes]) -> bytes:
    """Write the archive; returns its bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(entries):
            entry = zipfile.ZipInfo(name, _EARLIEST_ZIP_TIME)
            entry.create_system, entry.external_attr = _MADE_ON_UNIX, _READABLE_FILE
            archive.writestr(entry, entries[name], zipfile.ZIP_DEFLATED)
    return path.read_bytes()


def _copy(source: Path, path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, path)
    return path.read_bytes()
