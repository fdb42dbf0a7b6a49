"""The whole lake on the laptop's AWS, from `lake.yaml`: created where missing, updated where it differs.

Running it twice changes nothing. On AWS Terraform does this work; here it takes a few seconds with boto3.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from local.emulator import HOST
from local.provision import alerts, arrivals, crawlers, functions, jobs, monitoring, pipeline, query, secrets, storage
from local.provision.account import Account
from shoplake.artifacts import Artifacts
from shoplake.aws import client
from shoplake.config import Lake


class NotThisMachine(RuntimeError):
    """The AWS that the environment names is not the local one."""


def provision(lake: Lake, artifacts: Artifacts, progress: Callable[[str], None] = lambda sentence: None) -> list[str]:
    """Bring the local AWS to what `lake.yaml` and the artifacts say. Returns a sentence for each change.

    `progress` is told each of them as it happens. Needs the variables of `local.emulator.client_environment`;
    raises NotThisMachine without them, since a slip must not create a lake in somebody's AWS account.
    """
    endpoint = client("s3").meta.endpoint_url
    if urlsplit(endpoint).hostname != HOST:
        raise NotThisMachine(f"Only the local AWS is provisioned from here, but the environment leads to {endpoint}.")
    account = Account(lake, progress)
    storage.provision(account, artifacts)
    secrets.provision(account)
    query.provision(account)
    crawlers.provision(account)
    alerts.provision(account)
    jobs.provision(account, artifacts)
    functions.provision(account, artifacts)
    pipeline.provision(account)
    monitoring.provision(account)
    arrivals.provision(account)  # the last: from here on files may come
    return account.changes
