"""The AWS account at hand: whose credentials, its state bucket, the secret's first value."""

import os

from botocore import exceptions as aws

from deploy.terraform import Terraform, state_bucket
from shoplake.aws import client, error_code
from shoplake.config import Lake
from shoplake.errors import ShoplakeError
from shoplake.inventory import load_inventory
from shoplake.personal_data import new_key

_SIGN_IN = "sign in (`aws sso login`, `aws configure`), or set AWS_PROFILE or the AWS_ variables of a key"


def lake_of(env: str) -> Lake:
    """The lake of an environment in the account of the credentials in use, with clients led to its region.

    Raises ShoplakeError where the environment is unknown or local, or no credentials work, or are another account's.
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
    account = _account()
    if settings.account not in (None, account):
        raise ShoplakeError(
            f"These credentials are of account {account}, and lake.yaml has environment {env} in {settings.account}: "
            "take that account's, or mend environments in lake.yaml."
        )
    return Lake(load_inventory(), env, account)


def _account() -> str:
    try:
        return client("sts").get_caller_identity()["Account"]
    except (aws.NoCredentialsError, aws.PartialCredentialsError, aws.ProfileNotFound, aws.CredentialRetrievalError,
            aws.TokenRetrievalError, aws.SSOError) as error:  # fmt: skip
        raise ShoplakeError(f"There are no AWS credentials ({_reason(error)}): {_SIGN_IN}.") from None
    except aws.ClientError as error:
        raise ShoplakeError(f"AWS refuses these credentials ({_reason(error)}): {_SIGN_IN}.") from None
    except (aws.HTTPClientError, aws.ConnectionError) as error:
        raise ShoplakeError(f"AWS can't be reached ({_reason(error)}): check the network and the region.") from None


def _reason(error: Exception) -> str:
    return str(error).rstrip(".")


def has_state_bucket(lake: Lake) -> bool:
    """Raises ShoplakeError where a bucket of that name is somebody else's."""
    try:
        client("s3").head_bucket(Bucket=state_bucket(lake), ExpectedBucketOwner=lake.account)
    except aws.ClientError as error:
        if error_code(error) == "404":
            return False
        if error_code(error) == "403":
            raise ShoplakeError(
                f"The bucket {state_bucket(lake)} is another account's, or these credentials may not see it: "
                "ask for s3:ListBucket on it."
            ) from None
        raise
    return True


def make_state_bucket(lake: Lake) -> None:
    """Make the bucket of Terraform's state, which keeps a copy of its own."""
    bootstrap, bucket = Terraform.of("bootstrap"), state_bucket(lake)
    bootstrap.run("init", "-input=false")
    bootstrap.run(
        "apply", "-input=false", "-auto-approve", f"-var=region={lake.settings.region}", f"-var=bucket={bucket}"
    )
    client("s3").upload_file(str(bootstrap.folder / "terraform.tfstate"), bucket, "bootstrap/terraform.tfstate")


def put_key_once(lake: Lake) -> bool:
    """Give the secret of personal data its random key where it has none. Says whether it did."""
    manager, name = client("secretsmanager"), lake.personal_data_secret
    if manager.describe_secret(SecretId=name).get("VersionIdsToStages"):
        return False
    manager.put_secret_value(SecretId=name, SecretString=new_key())
    return True
