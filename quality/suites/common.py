"""What every table's suite checks, made from the table's declaration and its contract."""

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation

from quality.expectations.rows import ExpectUniqueKey
from shoplake.config import Lake
from shoplake.contracts import Column, Contract
from shoplake.tables import Table, load_tables

CRITICAL, WARNING = "critical", "warning"


def whole(full_name: str, lake: Lake) -> str:
    """For a rule in SQL: all rows of a table as the run has it. Its bare name stands for those that the run touched."""
    return load_tables()[full_name].spark_name(lake)


def of_declaration(table: Table) -> list[Expectation]:
    """The declared columns in their order, no null where one is required, the grain unique."""
    expectations: list[Expectation] = [
        gxe.ExpectTableColumnsToMatchOrderedList(
            column_list=list(table.column_names),
            severity=CRITICAL,
            description=f"The columns are the declared ones, in order ({table.full_name})",
        ),
        ExpectUniqueKey(columns=list(table.key), severity=CRITICAL, description=f"Grain: {table.grain}"),
    ]
    expectations += [
        gxe.ExpectColumnValuesToNotBeNull(
            column=column.name, severity=CRITICAL, description=f"Every row has {column.name}"
        )
        for column in table.columns
        if column.required
    ]
    return expectations


def of_contract(contract: Contract) -> list[Expectation]:
    """The contract's ranges, sets and patterns, and its rules on the whole table."""
    expectations: list[Expectation] = []
    for column in contract.columns:
        if column.personal_data:
            expectations += _of_personal_data(column)
            continue
        if column.minimum is not None or column.maximum is not None:
            expectations.append(
                gxe.ExpectColumnValuesToBeBetween(
                    column=column.name,
                    min_value=column.minimum,
                    max_value=column.maximum,
                    severity=CRITICAL,
                    description=f"{column.name} is within the contract's range",
                )
            )
        if column.values:
            expectations.append(
                gxe.ExpectColumnValuesToBeInSet(
                    column=column.name,
                    value_set=list(column.values),
                    severity=CRITICAL,
                    description=f"{column.name} is one of {', '.join(column.values)}",
                )
            )
        if column.pattern is not None:
            expectations.append(
                gxe.ExpectColumnValuesToMatchRegex(
                    column=column.name,
                    regex=column.pattern,
                    severity=CRITICAL,
                    description=f"{column.name} matches {column.pattern}",
                )
            )
        expectations += [_of_rule(column.name, rule) for rule in column.rules]
    return expectations


def _of_personal_data(column: Column) -> list[Expectation]:
    """A hashed column holds hashes. Of a mask there is nothing to check, and a dropped column isn't there."""
    if column.personal_data != "hash":
        return []
    return [
        gxe.ExpectColumnValuesToMatchRegex(
            column=column.name,
            regex="^[0-9a-f]{64}$",
            severity=CRITICAL,
            description=f"{column.name} is a keyed hash, never a value as it came",
        )
    ]


def _of_rule(column: str, rule) -> Expectation:
    """A rule that the contract states in Great Expectations' own words."""
    name = "".join(part.capitalize() for part in rule.expectation.split("_"))
    return getattr(gxe, name)(column=column, severity=rule.severity, description=rule.description, **rule.arguments)
