"""Expectations about single rows, and about sums that two tables share: a SELECT of what breaks the rule."""

import json
from typing import Any

from great_expectations.compatibility import pydantic

from quality.expectations.measured import Judgement, MeasuredExpectation
from shoplake.words import counted


class RowsExpectation(MeasuredExpectation):
    """None of the rows that `rows_that_break_it` selects."""

    def measures(self) -> dict[str, str]:
        return {"unexpected": f"(SELECT count(*) FROM ({self.rows_that_break_it()}))"}

    def judge(self, found: dict[str, Any]) -> Judgement:
        unexpected = found["unexpected"]
        return Judgement(unexpected == 0, counted(unexpected, "row"), unexpected)


class ExpectNoRows(RowsExpectation):
    """No row comes out of `query`, a SELECT of the table's key over {batch}.

    The query may also read other tables: their touched rows under the table's name (none where the run touched none),
    all their rows under what `whole` gives in quality/suites/common.py.
    """

    query: str

    def rows_that_break_it(self) -> str:
        return self.query


class ExpectUniqueKey(RowsExpectation):
    """No two rows have the same values in `columns`: the table's grain. Nulls count as values; of rows that are alike
    one is counted.
    """

    columns: list[str]

    def rows_that_break_it(self) -> str:
        key = ", ".join(self.columns)
        return f"SELECT {key} FROM {{batch}} GROUP BY {key} HAVING count(*) > 1"


class ExpectEqualSums(RowsExpectation):
    """By some columns, sums over {batch} equal the sums over other rows. A group that one side lacks is a difference.

    `sums` are aggregates over {batch} by name. `other` is a SELECT of the columns of `by` and the same names.
    """

    by: list[str]
    sums: dict[str, str]
    other: str

    def rows_that_break_it(self) -> str:
        by = ", ".join(self.by)
        own = ", ".join(f"{aggregate} AS {name}" for name, aggregate in self.sums.items())
        keys = ", ".join(f"coalesce(a.{name}, b.{name}) AS {name}" for name in self.by)
        values = ", ".join(f"a.{name}, b.{name} AS other_{name}" for name in self.sums)
        on = " AND ".join(f"a.{name} <=> b.{name}" for name in self.by)
        same = " AND ".join(f"a.{name} <=> b.{name}" for name in self.sums)
        return f"""
            SELECT {keys}, {values} FROM (SELECT {by}, {own} FROM {{batch}} GROUP BY {by}) a
            FULL JOIN ({self.other}) b ON {on} WHERE NOT ({same})
        """


class ExpectReferences(MeasuredExpectation):
    """At least `share` (0 to 1) of the rows with a value in `column` find it among the keys of another table.

    Only rows of a source of which the other table has rows are compared (`source` in both): who never delivers a
    catalogue isn't reminded of it with each order. `referenced` and `referenced_key` name the other side.
    """

    column: str
    key: list[str]
    referenced: str
    referenced_key: str
    share: float = pydantic.Field(gt=0, le=1)

    def measures(self) -> dict[str, str]:
        return {
            "references": f"""
                (SELECT to_json(struct(count(*) AS compared, count_if(r.{self.referenced_key} IS NULL) AS unresolved))
                 FROM {self._compared} b LEFT JOIN {self.referenced} r ON b.{self.column} = r.{self.referenced_key})
            """
        }

    def judge(self, found: dict[str, Any]) -> Judgement:
        counts = json.loads(found["references"])
        compared, unresolved = counts["compared"], counts["unresolved"]
        share = 1 - unresolved / compared if compared else 1.0
        allowed = f"up to {1 - self.share:.1%} are allowed"
        in_words = f"{unresolved:,} of {counted(compared, 'row')} unknown ({1 - share:.1%}; {allowed})"
        return Judgement(share >= self.share, in_words, unresolved, share)

    def rows_that_break_it(self) -> str:
        columns = ", ".join(f"b.{name}" for name in dict.fromkeys([*self.key, self.column]))
        on = f"b.{self.column} = r.{self.referenced_key}"
        return f"SELECT {columns} FROM {self._compared} b LEFT ANTI JOIN {self.referenced} r ON {on}"

    @property
    def _compared(self) -> str:
        return f"""
            (SELECT * FROM {{batch}} WHERE {self.column} IS NOT NULL
             AND source IN (SELECT source FROM {self.referenced}))
        """
