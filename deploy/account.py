"""The AWS account at hand: whose credentials, what it lets run at once, the secret's first value."""

import os

from shoplake.aws import client
from shoplake.config import Lake
from shoplake.errors import ShoplakeError
from shoplake.inventory import load_inventory
from shoplake.personal_data import new_key

OTHER_FUNCTIONS_AT_ONCE = 5  # beside validators: the dispatcher, and what closes a run and measures the lake


def lake_of(env: str) -> Lake:
    """The lake of an environment in the account of the credentials in use, with clients led to its region.

    Raises ShoplakeError where the environment is unknown or local, or the credentials are another account's; and what
    the AWS SDK raises where none work.
    """
    environments = load_inventory().environments
    deployed = [name for name in environments if name != "local"]
    if env not in deployed:
        known = f"Give ENV={' or ENV='.join(deployed)}."
        if not env:
            raise ShoplakeError(f"Which environment? {known}")
        why = "is the laptop's own, which `make up` starts" if env == "local" else "is not in lake.yaml"
        raise ShoplakeError(f"ENV={env} {why}. {known}")
    settings = environments[env]
    os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = settings.region
    account = client("sts").get_caller_identity()["Account"]
    if settings.account not in (None, account):
        raise ShoplakeError(
            f"These credentials are of account {account}, and lake.yaml has environment {env} in {settings.account}: "
            "take that account's, or mend environments in lake.yaml."
        )
    return Lake(load_inventory(), env, account)


def concurrency_warning(lake: Lake) -> str | None:
    """What to do where the account lets fewer functions run at once than lake.yaml asks for; None where it lets enough.

    New accounts have fewer than the usual 1,000: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """
    allowed = client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    wanted = lake.settings.validators_at_once + OTHER_FUNCTIONS_AT_ONCE
    if allowed >= wanted:
        return None
    return (
        f"Warning: account {lake.account} lets {allowed} functions run at once, and environment {lake.env} may need "
        f"{wanted} (validators_at_once in lake.yaml and {OTHER_FUNCTIONS_AT_ONCE} more): lower it, or ask AWS for a "
        "higher quota of concurrent executions."
    )


def put_key_once(lake: Lake) -> bool:
    """Give the secret of personal data its random key where it has none. Says whether it did."""
    manager, name = client("secretsmanager"), lake.personal_data_secret
    if manager.describe_secret(SecretId=name).get("VersionIdsToStages"):
        return False
    manager.put_secret_value(SecretId=name, SecretString=new_key())
    return True
