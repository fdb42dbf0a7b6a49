"""What a file's name says of its form, and which forms a dataset takes."""

from collections.abc import Iterable

from shoplake.staging.model import Refused

ENDINGS = {
    "csv": (".csv", ".tsv", ".txt"),
    "json_lines": (".jsonl", ".ndjson", ".json"),
    "json": (".json",),
    "parquet": (".parquet",),
}
"""Endings of names by a contract's format, each with or without .gz. JSON's two forms are told apart by content."""
JSON_FORMATS = ("json_lines", "json")
_WORDS = {"csv": "CSV", "json_lines": "JSON Lines", "json": "one JSON array", "parquet": "Parquet"}


def kind_of(file_name: str, dataset: str, formats: Iterable[str]) -> str:
    """csv, json or parquet, by a file's name. Raises Refused when the dataset takes no file of such a name."""
    stem = file_name.lower().removesuffix(".gz")
    for name in formats:
        if stem.endswith(ENDINGS[name]):
            return "json" if name in JSON_FORMATS else name
    *others, last = dict.fromkeys(ending for name in formats for ending in ENDINGS[name])
    accepted = f"{', '.join(others)} or {last}" if others else last
    raise Refused(
        "wrong_format",
        f"has a name that {dataset} doesn't accept: it must end in {accepted}, "
        "with or without .gz. Rename or export it and drop it again.",
    )


def refuse_other_form(form: str, dataset: str, formats: Iterable[str]) -> None:
    """Raise Refused when the form that was found isn't one that the dataset takes."""
    if form not in formats:
        accepted = " or ".join(_WORDS[name] for name in formats)
        raise Refused(
            "wrong_format",
            f"is {_WORDS[form]}, which {dataset} doesn't accept: it takes {accepted}. Export it so and drop it again.",
        )
