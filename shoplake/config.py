"""An environment's lake: its settings, and every name that follows from the inventory.

Names are derived here and nowhere else in Python: `shoplake-{env}-...`, databases `{name}_{env}`.
"""

import os
from functools import cached_property

from shoplake.errors import ConfigurationError
from shoplake.inventory import Environment, Function, Inventory, load_inventory
from shoplake.keys import RunKeys

RUN_REQUESTED = "shoplake.run.requested"  # the detail-type of the event by which other programs ask for a run


class Lake:
    """One environment's lake: the inventory and the names that follow from it."""

    def __init__(self, inventory: Inventory, env: str, account: str):
        self.inventory = inventory
        self.env = env
        self.account = account

    @property
    def settings(self) -> Environment:
        """The values that differ between environments."""
        return self.inventory.environments[self.env]

    @property
    def schedules(self) -> dict[str, str]:
        """What the dispatcher is asked for, and when."""
        return {**self.inventory.arrivals.schedules, **self.settings.schedules}

    def function(self, name: str) -> Function:
        """A function, with the memory that this environment gives it."""
        function = self.inventory.functions[name]
        return function.model_copy(update={"memory_mb": self.settings.memory_mb.get(name, function.memory_mb)})

    @property
    def prefix(self) -> str:
        return f"{self.inventory.project}-{self.env}-"

    @cached_property
    def bucket(self) -> str:
        return f"{self.prefix}lake-{self.account}"

    @cached_property
    def artifacts_bucket(self) -> str:
        return f"{self.prefix}artifacts-{self.account}"

    @property
    def files_table(self) -> str:
        """DynamoDB: one item an object version under raw/."""
        return f"{self.prefix}files"

    @property
    def runs_table(self) -> str:
        """DynamoDB: runs, the lock, and the counter of each day's runs."""
        return f"{self.prefix}runs"

    @property
    def arrivals_queue(self) -> str:
        return f"{self.prefix}arrivals"

    @property
    def dead_letters_queue(self) -> str:
        return f"{self.prefix}arrivals-dead-letters"

    @property
    def state_machine_name(self) -> str:
        return f"{self.prefix}{self.inventory.state_machine.name}"

    @property
    def state_machine_arn(self) -> str:
        return self._arn("states", f"stateMachine:{self.state_machine_name}")

    def execution_arn(self, run_id: str) -> str:
        """The execution of a run bears the run's name."""
        return self._arn("states", f"execution:{self.state_machine_name}:{run_id}")

    def function_name(self, function: str) -> str:
        return f"{self.prefix}{function.replace('_', '-')}"

    def function_arn(self, function: str) -> str:
        return self._arn("lambda", f"function:{self.function_name(function)}")

    def job_name(self, job: str) -> str:
        return f"{self.prefix}{job.replace('_', '-')}"

    def crawler_name(self, dataset: str) -> str:
        return f"{self.prefix}raw-{dataset.replace('_', '-')}"

    def classifier_name(self, kind: str) -> str:
        """The custom classifier that crawlers try first on csv or json."""
        return f"{self.prefix}{kind}"

    @property
    def personal_data_secret(self) -> str:
        """Secrets Manager: the key with which personal values are hashed; see `shoplake.personal_data`."""
        return f"{self.prefix}{self.inventory.personal_data.secret}"

    def topic_name(self, topic: str) -> str:
        return f"{self.prefix}{self.inventory.topics[topic]}"

    def topic_arn(self, topic: str) -> str:
        return self._arn("sns", self.topic_name(topic))

    def queue_arn(self, queue: str) -> str:
        return self._arn("sqs", queue)

    @property
    def event_source(self) -> str:
        """The source of events that ask this lake for a run."""
        return f"{self.inventory.project}.{self.env}"

    def role_arn(self, name: str) -> str:
        return f"arn:aws:iam::{self.account}:role/{self.prefix}{name.replace('_', '-')}"

    def database(self, name: str) -> str:
        return f"{name}_{self.env}"

    @property
    def workgroup(self) -> str:
        return f"{self.prefix}{self.inventory.athena.workgroup}"

    def zone(self, name: str) -> str:
        """The prefix of a zone, with its slash."""
        return self.inventory.zones[name]

    def run_keys(self, run_id: str) -> RunKeys:
        """Where a run keeps its things."""
        return RunKeys(run_id, self.zone("runs"), self.zone("staged"), self.zone("quarantine"))

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.settings.region}:{self.account}:{resource}"


def load_lake(env: str | None = None, account: str | None = None) -> Lake:
    """The lake of an environment (default: the one that `SHOPLAKE_ENV` names).

    The account is the environment's own, else the one given, else `SHOPLAKE_ACCOUNT`.
    """
    env = env or os.environ.get("SHOPLAKE_ENV", "local")
    inventory = load_inventory()
    if env not in inventory.environments:
        known = ", ".join(inventory.environments)
        raise ConfigurationError(f"Environment {env!r} is not in lake.yaml; it knows {known}.")
    account = inventory.environments[env].account or account or os.environ.get("SHOPLAKE_ACCOUNT")
    if not account:
        raise ConfigurationError(
            f"The AWS account of environment {env!r} is not known: set SHOPLAKE_ACCOUNT or give it in lake.yaml."
        )
    return Lake(inventory, env, account)
