"""After validation: which files are duplicates, and what there is to load.

The owner of some bytes is the earliest object version that holds them, of those that are loaded or about to
be; every other version is a duplicate and adds nothing. Decided here, when all files of the run are known.
"""

from collections.abc import Callable, Iterable
from typing import Any

from shoplake.crawls import looks_and_folders
from shoplake.files import LOADED, FileVersion
from shoplake.verdicts import Verdict


def mark_duplicates(
    verdicts: list[Verdict], known_versions: Callable[[str], Iterable[dict[str, Any]]]
) -> list[Verdict]:
    """The verdicts, with every accepted file that another one owns turned into a duplicate.

    `known_versions` gives the items of the table `files` that have a content. A forced file is never a
    duplicate, and owns nothing that came before it.
    """
    owners: dict[str, tuple[tuple[str, str, str], str]] = {}
    for verdict in sorted(filter(_may_own, verdicts), key=lambda v: v.arrival):
        owners.setdefault(verdict.content, (verdict.arrival, verdict.key))
    for content in {v.content for v in verdicts if v.is_loaded}:
        for item in known_versions(content):
            if item["state"] in LOADED:
                other = FileVersion.of(item)
                owners[content] = min(owners.get(content, (other.arrival, other.key)), (other.arrival, other.key))
    return [_duplicate_of(v, owners[v.content]) if _may_own(v) else v for v in verdicts]


def _may_own(verdict: Verdict) -> bool:
    return verdict.is_loaded and not verdict.force


def _duplicate_of(verdict: Verdict, owner: tuple[tuple[str, str, str], str]) -> Verdict:
    arrival, key = owner
    if arrival == verdict.arrival:
        return verdict
    return verdict.model_copy(
        update={
            "verdict": "duplicate",
            "owner": key,
            "sentence": f"has the same bytes as {key}, which is loaded; drop it with --force to load it again",
        }
    )


def summarise(run_id: str, verdicts: list[Verdict], datasets: Iterable[str], raw: str = "raw/") -> dict[str, Any]:
    """What the jobs read: the files to load by dataset, and the counts that the state machine steers by."""
    loaded = [v for v in verdicts if v.is_loaded]
    by_dataset = {dataset: [_to_load(v) for v in loaded if v.dataset == dataset] for dataset in datasets}
    return {
        "run_id": run_id,
        "last_arrival": max(v.arrived_at for v in verdicts),
        "bytes_in": sum(v.size_bytes for v in verdicts),
        "crawls": [{"dataset": dataset} for dataset, files in by_dataset.items() if files],
        "raw": looks_and_folders(verdicts, raw),
        "counts": {
            "accepted": len(loaded),
            "refused": sum(v.verdict == "refused" for v in verdicts),
            "duplicate": sum(v.verdict == "duplicate" for v in verdicts),
        },
        "touched": {dataset: bool(files) for dataset, files in by_dataset.items()},
        "files": by_dataset,
    }


def _to_load(verdict: Verdict) -> dict[str, Any]:
    names = (
        "number",
        "key",
        "version_id",
        "source",
        "arrived_at",
        "staged_key",
        "rows_read",
        "rows_quarantined",
    )
    return {name: getattr(verdict, name) for name in names}
