"""When all rows of all tables are checked, beside those that a run touched."""

from datetime import UTC, datetime, timedelta

from quality.history import History

NOW = datetime(2025, 1, 2, 12, tzinfo=UTC)


def test_whole_tables_are_due_a_day_after_the_last_time():
    assert not History(checked_whole_at=NOW - timedelta(hours=23), is_empty=False).is_whole_due(NOW, after_h=24)
    assert History(checked_whole_at=NOW - timedelta(hours=24), is_empty=False).is_whole_due(NOW, after_h=24)


def test_the_first_run_of_a_lake_touches_all_there_is():
    assert not History().is_whole_due(NOW, after_h=24)


def test_a_lake_that_never_was_checked_whole_is_due():
    assert History(is_empty=False).is_whole_due(NOW, after_h=24)
