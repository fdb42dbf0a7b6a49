"""The inventory: `lake.yaml` as a typed value, checked when it is read."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from shoplake.root import root
from shoplake.schedule_expression import checked_schedule
from shoplake.yamlfile import first_problem, read_yaml


def _known_time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is not an IANA time zone such as Europe/London")
    return name


TimeZone = Annotated[str, AfterValidator(_known_time_zone)]
Schedule = Annotated[str, AfterValidator(checked_schedule)]
ShortName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Positive = Annotated[int, Field(gt=0)]
EmailAddress = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dataset(_Strict):
    job: ShortName


class FileLimits(_Strict):
    max_uncompressed_mb: Positive
    max_record_mb: Positive


class Arrivals(_Strict):
    max_receives: Positive
    dead_letters_days: Positive
    visibility_timeouts: Positive
    batch_size: Positive
    max_files_per_run: Positive
    max_mb_per_run: Positive
    infrastructure_retries: int = Field(ge=0)
    unstarted_claim_s: Positive
    schedules: dict[str, Schedule]


class Function(_Strict):
    does: str
    memory_mb: int = Field(ge=128, le=10240)
    timeout_s: int = Field(gt=0, le=900)
    ephemeral_mb: int = Field(default=512, ge=512, le=10240)
    state: str | None = None


TableOrDatabase = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")]


class Job(_Strict):
    """A Glue job. It changes the tables that it `writes` and reads those that it `reads` besides, and no others."""

    script: str
    state: str
    timeout_min: Positive
    writes: list[TableOrDatabase]
    reads: list[TableOrDatabase] = []


class PersonalData(_Strict):
    """Where the key is with which personal values are hashed: the short name of a secret."""

    secret: str = Field(pattern=r"^[a-z][a-z0-9-]*$")


class Crawlers(_Strict):
    """When raw folders are crawled anew, and how long a run waits for it."""

    recrawl_after_h: Positive
    timeout_s: Positive


class Checks(_Strict):
    """When the quality gate checks whole tables beside what a run touched."""

    whole_after_h: Positive


class StateMachine(_Strict):
    name: str
    definition: str
    timeout_s: Positive


class Athena(_Strict):
    """The workgroup in which people ask. `analysts_read` names tables, or a database for all of its tables."""

    workgroup: str
    max_scanned_gb: Positive
    analysts_read: list[TableOrDatabase]


class Prices(_Strict):
    """US dollars at list price."""

    glue_dpu_hour: float
    glue_min_billed_s: float
    crawler_dpu: float
    crawler_min_billed_s: float
    lambda_gb_second_arm64: float
    lambda_million_requests: float
    states_thousand_transitions: float
    athena_tb_scanned: float


class Estimates(_Strict):
    """How fast jobs and functions are, for `shoplake.estimate`. Megabytes are of uncompressed input."""

    job_start_s: float = Field(ge=0)
    job_mb_per_s: float = Field(gt=0)
    validator_start_s: float = Field(ge=0)
    validator_mb_per_s: float = Field(gt=0)
    gzip_ratio: float = Field(ge=1)


DPU_OF_WORKER = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}


class Worker(_Strict):
    """Glue workers of a job: their type and number."""

    type: Literal["G.1X", "G.2X", "G.4X", "G.8X"]
    number: int = Field(ge=2)

    @property
    def dpu(self) -> int:
        """Data processing units of all workers together."""
        return DPU_OF_WORKER[self.type] * self.number

    @property
    def working_dpu(self) -> int:
        """Those of the workers beside Spark's driver."""
        return DPU_OF_WORKER[self.type] * (self.number - 1)


class Monitoring(_Strict):
    """`measure` is how often the lake is measured between runs, as EventBridge Scheduler writes it."""

    measure: Schedule


class Thresholds(_Strict):
    """From where on an environment's alarms go off; see `monitoring/alarms.yaml`."""

    queue_age_s: Positive
    slow_run_s: Positive
    quality_percent: float = Field(gt=0, le=100)
    dollars_a_day: float = Field(gt=0)
    athena_gb_a_day: Positive


# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LogDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]


class LogRetention(_Strict):
    """Days for which logs are kept. There is no audit trail on a laptop."""

    functions: LogDays
    jobs: LogDays
    audit: LogDays | None = None


class ExecutionLog(_Strict):
    """What Step Functions logs of a run: from which events on, and whether with their data."""

    level: Literal["ALL", "ERROR", "FATAL", "OFF"]
    with_data: bool


class RawTiers(_Strict):
    """After how many days raw files move to cheaper storage: Intelligent-Tiering, Glacier Instant Retrieval."""

    intelligent_after_days: Positive
    archive_after_days: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _the_cheaper_one_later(self) -> "RawTiers":
        if self.archive_after_days is not None and self.archive_after_days <= self.intelligent_after_days:
            raise ValueError(
                f"archive_after_days ({self.archive_after_days}) must exceed "
                f"intelligent_after_days ({self.intelligent_after_days})"
            )
        return self


class Environment(_Strict):
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    account: Annotated[str, Field(pattern=r"^\d{12}$")] | None
    batching_window_s: int = Field(ge=0, le=300)
    crawler_poll_s: Positive
    validators_at_once: Positive
    worker: Worker
    shuffle_partitions: Positive
    min_interval_s: int = Field(ge=0)
    max_dollars: float | None = Field(gt=0)
    alerts: list[EmailAddress]
    thresholds: Thresholds
    alarms_off: list[ShortName] = []
    log_days: LogRetention
    execution_log: ExecutionLog | None = None
    kept_days: dict[str, Positive] = {}
    raw_tiers: RawTiers | None = None
    schedules: dict[str, Schedule] = {}
    memory_mb: dict[ShortName, Annotated[int, Field(ge=128, le=10240)]] = {}
    monthly_dollars: float | None = Field(default=None, gt=0)


class Inventory(_Strict):
    """All of `lake.yaml`, whatever the environment."""

    project: str
    reporting_currency: str = Field(pattern=r"^[A-Z]{3}$")
    reporting_time_zone: TimeZone
    attribution_window_days: Positive
    datasets: dict[ShortName, Dataset]
    databases: list[ShortName]
    zones: dict[str, Annotated[str, Field(pattern=r"^[a-z-]+/$")]]
    files: FileLimits
    arrivals: Arrivals
    evidence_days: Positive
    noncurrent_days: Positive
    function_runtime: str = Field(pattern=r"^python3\.\d+$")
    function_architecture: Literal["arm64", "x86_64"]
    function_environment: dict[str, str]
    functions: dict[ShortName, Function]
    jobs: dict[ShortName, Job]
    personal_data: PersonalData
    crawlers: Crawlers
    checks: Checks
    glue_version: str
    state_machine: StateMachine
    topics: dict[str, str]
    monitoring: Monitoring
    athena: Athena
    spark: dict[str, str]
    iceberg: dict[str, str]
    prices: Prices
    estimates: Estimates
    environments: dict[str, Environment]

    @model_validator(mode="after")
    def _jobs_exist(self) -> "Inventory":
        for name, dataset in self.datasets.items():
            if dataset.job not in self.jobs:
                raise ValueError(f"dataset {name} names the job {dataset.job}, which is not under jobs")
        return self

    @model_validator(mode="after")
    def _environments_name_what_there_is(self) -> "Inventory":
        known = {"kept_days": self.zones, "schedules": self.arrivals.schedules, "memory_mb": self.functions}
        for name, environment in self.environments.items():
            for setting, declared in known.items():
                for word in getattr(environment, setting).keys() - declared:
                    raise ValueError(
                        f"environments.{name}.{setting} names {word}, which is none of {', '.join(declared)}"
                    )
        return self

    @model_validator(mode="after")
    def _claims_outlive_the_dispatcher(self) -> "Inventory":
        claim_s, timeout_s = self.arrivals.unstarted_claim_s, self.functions["dispatcher"].timeout_s
        if claim_s <= timeout_s:
            raise ValueError(f"unstarted_claim_s ({claim_s}) must exceed the dispatcher's timeout_s ({timeout_s})")
        return self


def load_inventory(path: Path | None = None) -> Inventory:
    """`lake.yaml`, checked. Raises ConfigurationError naming the place, the value and the rule."""
    path = path or root() / "lake.yaml"
    changed_ns = path.stat().st_mtime_ns if path.exists() else 0
    return _read_inventory(path, changed_ns)


@lru_cache(maxsize=4)
def _read_inventory(path: Path, changed_ns: int) -> Inventory:
    """Read once a version of the file: it takes half of the time that a small file's validation takes."""
    try:
        return Inventory.model_validate(read_yaml(path))
    except ValidationError as error:
        raise first_problem(path, error) from None
