"""Files that failed runs left for a person to decide on: replay them when the cause is gone, or discard them."""

from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from shoplake.config import Lake
from shoplake.files import HELD, Files


@dataclass(frozen=True)
class HeldFile:
    """One object version that is held: by which run, since when (UTC), and why."""

    key: str
    version_id: str
    run_id: str
    since: str
    reason: str

    @classmethod
    def of(cls, item: dict[str, Any]) -> "HeldFile":
        """From an item of the table `files`."""
        since = item.get("returned_at", item["arrived_at"])
        return cls(item["key"], item["version_id"], item["run_id"], since, item.get("returned_for", "a failed run"))

    @property
    def line(self) -> str:
        """The file in one line of an e-mail."""
        return f"{self.key} (run {self.run_id}, since {self.since[:16]}Z: {shorten(self.reason, 160)})"


def held_files(lake: Lake) -> list[HeldFile]:
    """All files that are held, the earliest arrival first."""
    return [HeldFile.of(item) for item in Files(lake.files_table).waiting(HELD)]
