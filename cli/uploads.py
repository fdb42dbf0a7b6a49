"""Bring files into raw/: what is checked before, and the upload itself."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli.errors import Misuse
from shoplake.aws import client
from shoplake.config import Lake
from shoplake.contracts import load_contract
from shoplake.dispatch import FORCE_METADATA
from shoplake.inventory import Inventory
from shoplake.keys import parse_raw_key, raw_key

AT_ONCE = 4


@dataclass(frozen=True)
class Drop:
    """Files for one dataset, and what their keys shall say of them."""

    dataset: str
    files: tuple[Path, ...]
    day: str | None = None
    source: str | None = None
    force: bool = False

    def key(self, file: Path, prefix: str) -> str:
        return raw_key(self.dataset, file.name, self.source, self.day, prefix)


@dataclass(frozen=True)
class DroppedTree:
    """A folder laid out like raw/: every file below the folder of a known dataset, under the key that it has there."""

    folder: Path
    files: tuple[Path, ...]
    skipped: dict[str, int]  # files by the folder that is no dataset's; those directly in the folder under ""
    force: bool = False

    def key(self, file: Path, prefix: str) -> str:
        return prefix + file.relative_to(self.folder).as_posix()

    @property
    def skipped_sentence(self) -> str | None:
        """What stays behind, if anything."""
        folders = [f"{name}/ ({count:,})" for name, count in sorted(self.skipped.items()) if name]
        beside = self.skipped.get("", 0)
        parts = [f"no dataset of lake.yaml: {', '.join(folders)}"] if folders else []
        parts += [f"beside the datasets' folders: {beside:,}"] if beside else []
        return f"Files left out, {'; '.join(parts)}." if parts else None


@dataclass(frozen=True)
class Uploaded:
    """One object version under raw/."""

    key: str
    version_id: str

    @property
    def object_id(self) -> str:
        """Its name in the table `files`."""
        return f"{self.key}#{self.version_id}"


def check(drop: Drop, inventory: Inventory) -> None:
    """Raises Misuse, with one sentence, where the drop can't be what was meant. Nothing is uploaded before."""
    _check_dataset(drop.dataset, list(inventory.datasets))
    if drop.source is not None:
        _check_source(drop.source, drop.dataset)
    if drop.day is not None and parse_raw_key(f"raw/{drop.dataset}/date={drop.day}/x").day is None:
        raise Misuse(f"--date {drop.day!r} is no date: write it as YYYY-MM-DD, for example 2025-01-31.")
    names: dict[str, Path] = {}
    for file in drop.files:
        _check_file(file)
        if file.name in names:
            other = names[file.name]
            raise Misuse(f"{other} and {file} would get the same key: rename one, or drop one after the other.")
        names[file.name] = file


def read_tree(folder: Path, inventory: Inventory, force: bool = False) -> DroppedTree:
    """The files of a folder that is laid out like raw/. Raises Misuse where there is none of a known dataset."""
    if not folder.is_dir():
        raise Misuse(f"There is no folder {folder}: --tree takes one that is laid out like raw/.")
    found, skipped = [], Counter()
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
        place = path.relative_to(folder).parts
        if len(place) > 1 and place[0] in inventory.datasets:
            _check_file(path)
            found.append(path)
        else:
            skipped[place[0] if len(place) > 1 else ""] += 1
    if not found:
        known = ", ".join(inventory.datasets)
        raise Misuse(f"{folder} holds no file of a known dataset: --tree wants folders in it named like {known}.")
    return DroppedTree(folder, tuple(found), dict(skipped), force)


def upload(lake: Lake, drop: Drop | DroppedTree, console: Console) -> Iterator[Uploaded]:
    """Upload the files, several at once, and yield them in their order; a progress bar on a terminal."""
    columns = (TextColumn("uploading"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        task = progress.add_task("", total=sum(file.stat().st_size for file in drop.files))
        client("s3")  # made once, before the threads ask for it

        def send(file: Path) -> Uploaded:
            return _upload_one(lake, drop, file, lambda count: progress.advance(task, count))

        yield from pool.map(send, drop.files)


def _upload_one(lake: Lake, drop: Drop | DroppedTree, file: Path, advance) -> Uploaded:
    key = drop.key(file, lake.zone("raw"))
    metadata = {"Metadata": {FORCE_METADATA: "true"}} if drop.force else None
    client("s3").upload_file(str(file), lake.bucket, key, ExtraArgs=metadata, Callback=advance)
    # The transfer doesn't say which version it made. It is the newest, unless the key is dropped twice just now.
    head = client("s3").head_object(Bucket=lake.bucket, Key=key)
    return Uploaded(key, head.get("VersionId", "null"))


def _check_dataset(dataset: str, known: Sequence[str]) -> None:
    if dataset not in known:
        close = get_close_matches(dataset, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"lake.yaml knows {', '.join(known)}."
        raise Misuse(f"There is no dataset {dataset!r}: {hint}")


def _check_source(source: str, dataset: str) -> None:
    known = [one.name for one in load_contract(dataset).sources]
    if source not in known:
        raise Misuse(f"--source {source!r} is no source of {dataset}: its contract knows {', '.join(known)}.")


def _check_file(file: Path) -> None:
    if file.is_dir():
        raise Misuse(f"{file} is a folder: name the files in it, for example {file}/*.csv.")
    if not file.exists():
        raise Misuse(f"There is no file {file}.")
    if not file.is_file():
        raise Misuse(f"{file} is not a regular file: save its content to a file first.")
    if not os.access(file, os.R_OK):
        raise Misuse(f"{file} can't be read: check its permissions.")
    try:
        file.name.encode()
    except UnicodeEncodeError:
        raise Misuse(f"The name {os.fsencode(file)!r} is not UTF-8: rename the file first.") from None
