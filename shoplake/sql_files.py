"""Questions and views kept as files: `queries/NAME.sql` and `views/{database}/{name}.sql`, in Athena's SQL.

The first two lines of a file are comments: its title, and one line that says what it answers. The rest is one SELECT,
with `${curated}`, `${processed}` and `${raw}` in the place of the databases' names. Terraform's `templatefile` fills
them the same way.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from shoplake.config import Lake
from shoplake.errors import ConfigurationError
from shoplake.root import root
from shoplake.tables import load_tables
from shoplake.template import fill

QUERIES, VIEWS = "queries", "views"
_PARTS = re.compile(r"-- (?P<title>.+)\n-- (?P<description>.+)\n(?P<select>(?:SELECT|WITH)\s(?:.|\n)*)")
_NAME = {QUERIES: re.compile(r"[a-z][a-z0-9-]*"), VIEWS: re.compile(r"[a-z][a-z0-9_]*")}
_TABLE = re.compile(r"\$\{(\w+)\}\.(\w+)")


@dataclass(frozen=True)
class NamedQuery:
    """A question that Athena keeps for analysts; `sql` is ready to run, its title and description on top."""

    name: str
    title: str
    description: str
    sql: str

    @property
    def stored_description(self) -> str:
        """The description that Athena keeps. It ends with the file, which tells it from what people save themselves."""
        return f"{self.title}. {self.description} ({file_of(self.name)})"


@dataclass(frozen=True)
class View:
    """A view. `database` is without the environment; `reads` are the tables behind it as `database.table`."""

    database: str
    name: str
    sql: str
    reads: tuple[str, ...]

    @property
    def full_name(self) -> str:
        return f"{self.database}.{self.name}"


def file_of(query: str) -> str:
    """The file of a named query, as seen from the checkout."""
    return f"{QUERIES}/{query}.sql"


def named_queries(lake: Lake) -> list[NamedQuery]:
    """All files under `queries/`, by name. Raises ConfigurationError naming the file and what is wrong in it."""
    found = []
    for path in sorted((root() / QUERIES).glob("*.sql")):
        _, parts = _read(path, QUERIES, lake)
        found.append(NamedQuery(path.stem, parts["title"], parts["description"], parts.group()))
    return found


def views(lake: Lake) -> list[View]:
    """All files under `views/`, by database and name. Raises ConfigurationError naming the file and the mistake."""
    found = []
    for path in sorted((root() / VIEWS).glob("*/*.sql")):
        text, parts = _read(path, VIEWS, lake)
        reads = tuple(sorted({f"{database}.{table}" for database, table in _TABLE.findall(text)}))
        view = View(path.parent.name, path.stem, parts["select"], reads)
        _check_reads(path, view)
        found.append(view)
    return found


def _check_reads(path: Path, view: View) -> None:
    """A view reads declared tables; one of curated reads curated alone, as its analysts may."""
    for table in view.reads:
        if table not in load_tables():
            raise ConfigurationError(
                f"{path.relative_to(root())}: {table} is no table under tables/: read those alone."
            )
        if view.database == "curated" and not table.startswith("curated."):
            raise ConfigurationError(
                f"{path.relative_to(root())}: a view of curated reads {table}, which its readers may not: "
                f"read curated tables, or move it to {VIEWS}/{table.partition('.')[0]}/."
            )


def _read(path: Path, folder: str, lake: Lake) -> tuple[str, re.Match]:
    """The file's text as it is, and the parts of its text for this lake's databases."""
    shown = path.relative_to(root())
    if not _NAME[folder].fullmatch(path.stem):
        words = "small letters, digits and " + ("hyphens" if folder == QUERIES else "underscores")
        raise ConfigurationError(f"{shown}: the file's name is the name in Athena: use {words}.")
    text = path.read_text(encoding="utf-8").strip().rstrip(";")
    databases = {name: lake.database(name) for name in lake.inventory.databases}
    try:
        parts = _PARTS.match(fill(text, databases))
    except KeyError as unknown:
        known = ", ".join(f"${{{name}}}" for name in databases)
        raise ConfigurationError(f"{shown}: ${{{unknown.args[0]}}} is no database of lake.yaml: use {known}.") from None
    if parts is None:
        raise ConfigurationError(
            f"{shown}: begin with two comment lines (`-- Title`, `-- What it answers`), then one SELECT."
        )
    return text, parts
