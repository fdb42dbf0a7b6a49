"""Each table that a run writes has a suite, and each suite can be made."""

import pytest

from quality.quality_gate import SUITES
from shoplake.config import load_lake
from shoplake.tables import load_tables


def test_every_table_that_is_published_is_checked():
    assert set(SUITES) == {name for name, table in load_tables().items() if table.branched}


@pytest.mark.parametrize("name", SUITES)
def test_no_two_expectations_of_a_table_say_the_same(name):
    said = [expectation.description for expectation in SUITES[name](load_tables()[name], load_lake("local"))]
    assert all(said)
    assert len(said) == len(set(said))
