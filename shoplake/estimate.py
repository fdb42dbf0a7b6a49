"""What a run over some files would cost, told before it starts: a simple model, to refuse what nobody wants to pay.

A job takes `job_start_s` and then reads `job_mb_per_s` with each DPU that works (a job's first worker is Spark's
driver), and is billed for a minute at least; jobs that only some datasets need are counted where such a file is
there. For each touched dataset a crawl is counted, as if one were due. A validator takes `validator_start_s` a file
and then reads `validator_mb_per_s` with one vCPU; it gets the share of one that its memory buys, and makes no use of
a second. A gzipped file counts `gzip_ratio` times its size. Those figures stand in `lake.yaml` under `estimates`,
measured on this code; prices stand there too. The other functions, a fraction of a cent a run, are left out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shoplake.config import Lake
from shoplake.files import FileVersion
from shoplake.inventory import Job
from shoplake.words import counted

_TRANSITIONS_A_FILE = 2  # each file is a child execution of one state
_TRANSITIONS_A_RUN = 20
_MB_OF_A_VCPU = 1769  # "At 1,769 MB, a function has the equivalent of one vCPU": AWS Lambda's guide, Configure memory


@dataclass(frozen=True)
class Estimate:
    """US dollars that a run over so many files and bytes (as stored) would cost."""

    dollars: float
    files: int
    bytes: int


@dataclass(frozen=True)
class OverBudget:
    """A run that isn't started, since its estimate exceeds what it may cost."""

    estimate: Estimate
    max_dollars: float

    @property
    def sentence(self) -> str:
        """For example: 12 files (3,400.0 MB) would cost about $1.21, and a run may cost $0.50."""
        found = self.estimate
        size = f"{found.bytes / 1_000_000:,.1f} MB"
        files = f"{counted(found.files, 'file')} ({size})"
        return f"{files} would cost about {dollars(found.dollars)}, and a run may cost ${self.max_dollars:g}"

    def as_json(self) -> dict[str, Any]:
        return {
            "sentence": self.sentence,
            "dollars": self.estimate.dollars,
            "max_dollars": self.max_dollars,
            "files": self.estimate.files,
            "bytes": self.estimate.bytes,
            "allowed_by": self.allowed_by,
        }

    @property
    def allowed_by(self) -> str:
        """The least option value, in whole cents, that allows the run."""
        return f"{math.ceil(self.estimate.dollars * 100) / 100:.2f}"


def dollars(amount: float) -> str:
    return f"${amount:.2f}" if amount >= 0.1 else f"${amount:.4f}"


def estimate_run(lake: Lake, files: Sequence[FileVersion]) -> Estimate:
    """The estimate for a run over these files."""
    figures, prices = lake.inventory.estimates, lake.inventory.prices
    megabytes = sum(_read_bytes(file, figures.gzip_ratio) for file in files) / 1_000_000
    worker = lake.settings.worker
    job_s = figures.job_start_s + megabytes / (figures.job_mb_per_s * worker.working_dpu)
    billed_s = max(job_s, prices.glue_min_billed_s)
    glue = len(_jobs(lake, files)) * billed_s * worker.dpu / 3600 * prices.glue_dpu_hour
    validator = lake.function("file_validator")
    vcpu = min(1, validator.memory_mb / _MB_OF_A_VCPU)
    validator_s = len(files) * figures.validator_start_s + megabytes / (figures.validator_mb_per_s * vcpu)
    functions = validator_s * validator.memory_mb / 1024 * prices.lambda_gb_second_arm64
    functions += len(files) / 1_000_000 * prices.lambda_million_requests
    touched = {file.dataset for file in files} & lake.inventory.datasets.keys()
    crawl_s = len(touched) * prices.crawler_min_billed_s
    glue += crawl_s * prices.crawler_dpu / 3600 * prices.glue_dpu_hour
    transitions = _TRANSITIONS_A_RUN + _TRANSITIONS_A_FILE * len(files)
    states = transitions / 1000 * prices.states_thousand_transitions
    return Estimate(round(glue + functions + states, 6), len(files), sum(file.size for file in files))


def _read_bytes(file: FileVersion, gzip_ratio: float) -> float:
    return file.size * gzip_ratio if file.key.lower().endswith(".gz") else file.size


def _jobs(lake: Lake, files: Sequence[FileVersion]) -> list[Job]:
    """The jobs that the run would start: those of its files' datasets, and those that every run needs."""
    inventory = lake.inventory
    of_datasets = {dataset.job for dataset in inventory.datasets.values()}
    touched = {inventory.datasets[file.dataset].job for file in files if file.dataset in inventory.datasets}
    if not touched:
        return []  # nothing that a job would load
    return [job for name, job in inventory.jobs.items() if name in touched or name not in of_datasets]
