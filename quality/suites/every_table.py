"""What is checked of every table beside its own suite, made from declarations: freshness, foreign keys, null rates.

Warnings only: none of them says that a row is wrong.
"""

from great_expectations.expectations.expectation import Expectation

from quality.expectations.figures import ExpectFresh, ExpectUsualNullRate, ExpectUsualVolume
from quality.expectations.rows import ExpectReferences
from quality.history import NULL_RATE, VOLUME, History
from quality.suites.common import WARNING, whole
from shoplake.config import Lake
from shoplake.contracts import load_contract
from shoplake.freshness import objectives
from shoplake.tables import Table, load_tables


def of_references(table: Table, lake: Lake) -> list[Expectation]:
    """The foreign keys that the table declares."""
    return [
        ExpectReferences(
            column=reference.column,
            key=list(table.key),
            referenced=whole(reference.table, lake),
            referenced_key=load_tables()[reference.table].key[0],
            share=reference.share,
            severity=WARNING,
            description=f"{reference.column} is known in {reference.table}",
        )
        for reference in table.references
    ]


def of_freshness(table: Table, lake: Lake, as_of: str) -> list[Expectation]:
    """The objective of the table's contract, unless this environment takes files of any age (`alarms_off`)."""
    objective = objectives().get(table.full_name)
    if objective is None or "freshness" in lake.settings.alarms_off:
        return []
    return [
        ExpectFresh(
            column=objective.column,
            table=whole(table.full_name, lake),
            hours=objective.hours,
            as_of=as_of,
            severity=WARNING,
            description=f"The newest {objective.column} is at most {objective.hours:g} hours older than the last file",
        )
    ]


def of_null_rates(table: Table, history: History) -> list[Expectation]:
    """The columns that the sources of the table's dataset may leave empty."""
    if table.contract is None:
        return []
    optional = [c.name for c in load_contract(table.contract).columns if not c.required and c.personal_data != "drop"]
    return [
        ExpectUsualNullRate(
            column=column,
            history=history.of(table.full_name, NULL_RATE, column),
            severity=WARNING,
            description=f"{column} is missing about as often as in earlier runs",
        )
        for column in optional
    ]


def of_volumes(lake: Lake, name: str, history: History) -> list[Expectation]:
    """Rows a file of each dataset; `name` is the ledger's."""
    return [
        ExpectUsualVolume(
            column=dataset,
            history=history.of(name, VOLUME, dataset),
            severity=WARNING,
            description=f"Files of {dataset} have about as many rows as in earlier runs",
        )
        for dataset in lake.inventory.datasets
    ]
