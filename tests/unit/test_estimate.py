"""What a run is thought to cost before it starts."""

import pytest

from shoplake.config import Lake, load_lake
from shoplake.estimate import estimate_run
from shoplake.files import FileVersion

DEV = load_lake("dev", account="123456789012")
HOUR_OF_READING = FileVersion("raw/nowhere/a.csv", "v", "nowhere", 180_000_000_000, "e", "2025-01-01T00:00:00Z")


def dollars_with(memory_mb: int) -> float:
    """Of a run over 180,000 MB of no known dataset, so that nothing but the validator costs anything to speak of."""
    inventory = DEV.inventory
    validator = inventory.functions["file_validator"].model_copy(update={"memory_mb": memory_mb})
    estimates = inventory.estimates.model_copy(update={"validator_start_s": 0, "validator_mb_per_s": 50})
    functions = inventory.functions | {"file_validator": validator}
    changed = inventory.model_copy(update={"functions": functions, "estimates": estimates})
    return estimate_run(Lake(changed, DEV.env, DEV.account), [HOUR_OF_READING]).dollars


@pytest.mark.parametrize(
    ("memory_mb", "dollars"),
    [
        (1769, 0.083472),  # 3,600 s of a whole vCPU: 6,219.14 GB-s at 0.0000133334 dollars, 22 transitions
        (884, 0.083472),  # half the memory, half the vCPU, twice the time
        (3538, 0.166395),  # a second vCPU is paid for, and not used
    ],
)
def test_a_validator_reads_with_the_share_of_a_vcpu_that_its_memory_buys(memory_mb, dollars):
    assert dollars_with(memory_mb) == pytest.approx(dollars, abs=1e-6)
