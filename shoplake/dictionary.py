"""The data dictionary: what may come in and what can be asked, from the contracts and the tables' declarations.

`make docs` writes it to docs/data-dictionary.md.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from shoplake.contracts import Column, Contract, Source, load_contract
from shoplake.inventory import Inventory, load_inventory
from shoplake.root import root
from shoplake.tables import Table, load_tables

TARGET = "docs/data-dictionary.md"
_KEYS = {
    "id": "the dataset's own id",
    "line_number": "order and line number",
    "lines": "order and a hash of the line",
}
_HEAD = """\
# Data dictionary

Made by `make docs` from contracts/ and tables/, which say what holds; a test keeps it current. Money is
decimal(18,4) in the currency beside it, timestamps are UTC instants, columns that end in `_day` are days in
{time_zone}, and columns that begin with `_` say where a row came from."""


def dictionary() -> str:
    """The whole dictionary in Markdown. Raises ConfigurationError for a declaration that is broken."""
    inventory, tables = load_inventory(), load_tables()
    parts = [_HEAD.format(time_zone=inventory.reporting_time_zone)]
    parts += ["## What may come in", *(_dataset(load_contract(name), inventory) for name in inventory.datasets)]
    for database in dict.fromkeys(table.database for table in tables.values()):
        parts += [f"## Tables of {database}", *(_table(t) for t in tables.values() if t.database == database)]
    return "\n\n".join(parts) + "\n"


def _dataset(contract: Contract, inventory: Inventory) -> str:
    facts = [
        f"Files: {', '.join(contract.formats)}; any of them gzipped.",
        f"A file is refused when more than {contract.reject_share:.0%} of its rows, and more than "
        f"{contract.reject_rows}, break a rule.",
        f"Loaded by {inventory.datasets[contract.dataset].job}.",
    ]
    columns = [(c.name, c.physical_type, _yes(c.required), c.description, _rules(c), ", ".join(c.synonyms))
               for c in contract.columns]  # fmt: skip
    return "\n\n".join(
        [
            f"### {contract.dataset}",
            contract.description,
            " ".join(facts),
            _listed(_source(source) for source in contract.sources),
            _grid(("column", "type", "required", "what it says", "rules", "other names in files"), columns),
        ]
    )


def _source(source: Source) -> str:
    """One line about a source: what it is known by, and what names its rows."""
    known = f"header with {', '.join(source.header)}" if source.header else "every other file"
    words = [f"**{source.name}**: {known}; a row is named by {_KEYS[source.key]}"]
    if source.time_zone != "UTC":
        words.append(f"times without offset are {source.time_zone}'s")
    if source.records:
        words.append(f"records under `{source.records}`")
    if source.explode:
        words.append(f"a record for each element of `{source.explode}`")
    words += [f"`{column}` also as {', '.join(names)}" for column, names in source.aliases.items()]
    return "; ".join(words)


def _rules(column: Column) -> str:
    """What a value must be, in words."""
    rules = []
    if column.minimum is not None:
        rules.append(f"at least {column.minimum:g}")
    if column.maximum is not None:
        rules.append(f"at most {column.maximum:g}")
    if column.pattern:
        rules.append(f"matches `{column.pattern}`")
    if column.values:
        rules.append("one of " + ", ".join(column.values))
    if column.not_before:
        rules.append(f"not before {column.not_before:%Y-%m-%d}")
    if column.not_after_arrival is not None:
        rules.append(f"at most {_hours(column.not_after_arrival)} after the file's arrival")
    if column.default is not None:
        rules.append(f"{column.default} where the file is silent")
    return "; ".join(rules)


def _hours(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 3600:g} h"


def _table(table: Table) -> str:
    facts = [f"Grain: {table.grain.rstrip('.')}.", f"Key: {', '.join(table.key)}."]
    if table.partition_by:
        facts.append(f"Partitioned by {table.partition_by}.")
    if table.touched_by:
        facts.append(f"Its rows change with {', '.join(table.touched_by)}.")
    columns = [(c.name, c.type, _yes(c.required), c.description) for c in table.columns]
    return "\n\n".join(
        [
            f"### {table.full_name}",
            table.description,
            " ".join(facts),
            _grid(("column", "type", "never null", "what it says"), columns),
        ]
    )


def _yes(value: bool) -> str:
    return "yes" if value else ""


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _grid(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(_grid_lines(header, rows))


def _grid_lines(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _row(header)
    yield _row("---" for _ in header)
    yield from map(_row, rows)


def _row(cells: Iterable[str]) -> str:
    texts = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(texts)} |"


def main() -> None:
    """Write the dictionary where readers look for it."""
    (root() / TARGET).write_text(dictionary())


if __name__ == "__main__":
    main()
