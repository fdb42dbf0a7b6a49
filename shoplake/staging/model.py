"""What staging a file takes and gives: plain values, nothing that reads."""

from dataclasses import dataclass

VALUE_LENGTH = 200
"""Characters of a value that a problem shows."""

HIDDEN = "(not shown: may hold personal data)"
"""What stands in the place of a text, not a column's value, of a dataset with personal data."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one file, in bytes; the values come from lake.yaml."""

    max_bytes: int  # the whole file, uncompressed
    max_record_bytes: int  # one record, as UTF-8
    max_problems: int = 100  # entries of a verdict's list


@dataclass(frozen=True)
class Problem:
    """One entry of a verdict's list of problems: where, what was found, which rule it breaks."""

    line: int | None
    column: str | None
    value: str | None
    rule: str

    @classmethod
    def of(cls, line: int | None, column: str | None, value: str | None, rule: str) -> "Problem":
        """A problem with its value shortened to what a verdict shows."""
        return cls(line, column, None if value is None else value[:VALUE_LENGTH], rule)


@dataclass(frozen=True)
class Refusal:
    """Why the file as a whole can't be loaded.

    `code` is one of empty, binary, wrong_format, unreadable, truncated, too_large, header_missing,
    missing_column, ambiguous_column, missing_records. `sentence` says it to a person, and what to do; it goes on where
    the file's name ends ("is empty: ...").
    """

    code: str
    sentence: str


@dataclass(frozen=True)
class Staging:
    """What was found in one file. Rows: read = staged + quarantined; all 0 when the file is refused."""

    refusal: Refusal | None
    md5: str  # hexadecimal, of the bytes as received; empty for a file over the size limit
    size_bytes: int  # as received; for a file over the limit, as far as it was read
    uncompressed_bytes: int  # likewise; for a refused file, as far as it was unpacked
    format: str | None  # csv, json_lines, json or parquet
    encoding: str | None  # utf-8, utf-16-le, utf-16-be or windows-1252
    delimiter: str | None
    has_bom: bool
    line_ending: str | None  # LF, CRLF or CR
    header: list[str]
    source: str | None
    extra_columns: list[str]
    rows_read: int
    rows_staged: int
    rows_quarantined: int
    problems: list[Problem]
    notes: list[str]


class Refused(Exception):
    """Raised inside the engine when the file can't be loaded; `stage` turns it into a Refusal."""

    def __init__(self, code: str, sentence: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.problems = problems


def too_large(max_bytes: int) -> Refused:
    return Refused(
        "too_large",
        f"holds more than {max_bytes:,} bytes uncompressed, the limit for one file: "
        "split it, or raise the limit in lake.yaml, and drop it again.",
    )
