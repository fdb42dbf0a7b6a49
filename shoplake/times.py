"""Instants as the lake writes them: ISO 8601, UTC, milliseconds."""

from datetime import UTC, datetime


def iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    return datetime.fromisoformat(text)


def now() -> datetime:
    """The clock, for those who may read it: functions and the command line, never a job."""
    return datetime.now(UTC)
