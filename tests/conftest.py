"""Which tests stay together and which begin first, when `make test` shares them out to two processes."""

from pathlib import PurePosixPath

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# The longest first, files or folders, so that both processes end together. The first has a lake of its own besides the
# one that the others share, and stops it before that one starts.
LONGEST = (
    "test_killed_or_out_of_disk.py",
    "spark",
    "test_any_order_same_tables.py",
    "test_faults_around_a_run.py",
    "test_catalogue.py",
    "terraform",
    "test_failures_leave_no_trace.py",
    "test_clicks.py",
    "test_generated_shop.py",
    "test_state_survives.py",
    "test_bursts.py",
    "test_bad_files.py",
    "end_to_end",
)
# They look at one load of three days, which is made once in a process.
OF_THREE_DAYS = (
    "test_any_order_same_tables.py",
    "test_orders_of_three_days.py",
    "end_to_end/test_monitoring.py",
    "end_to_end/test_probe.py",
)

# How long an example takes says nothing of the code where two processes share the machine.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


class FilesTogether(LoadScopeScheduling):
    """Shares out whole files, since a file's tests share what it has made, and some files as one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.endswith(OF_THREE_DAYS):
            return "three days"
        # Those of Spark share a session, those of Terraform's plans the plans.
        is_of_plans = "tests/terraform/" in file and not file.endswith("test_modules.py")
        return str(PurePosixPath(file).parent) if "/spark/" in file or is_of_plans else file


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> FilesTogether:
    config.option.loadscopereorder = False  # by the number of tests, which says nothing of their length
    return FilesTogether(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest files where there are two processes; a plain `pytest` keeps its order."""
    if hasattr(config, "workerinput"):
        order = {name: place for place, name in enumerate(LONGEST)}
        items.sort(key=lambda i: order.get(i.path.name, order.get(i.path.parent.name, len(order))))
