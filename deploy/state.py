"""The bucket of Terraform's state, one an account and region: whether it is there, and how it is made."""

from typing import Any

from botocore.exceptions import ClientError

from deploy.terraform import Terraform, state_bucket
from shoplake.aws import client, error_code
from shoplake.config import Lake
from shoplake.errors import ShoplakeError

# The bucket's own state, a file in terraform/bootstrap that is put into the bucket last: so it says that all is done.
_OWN_STATE = "bootstrap/terraform.tfstate"


def has_state_bucket(lake: Lake) -> bool:
    """Whether the bucket is there with all that protects it. Raises ShoplakeError where AWS doesn't let one look."""
    return _is_there(lake, "head_object", Key=_OWN_STATE)


def make_state_bucket(lake: Lake) -> None:
    """Make the bucket, or finish one whose making was broken off, on this machine or another."""
    bootstrap, bucket = Terraform.of("bootstrap"), state_bucket(lake)
    variables = [f"-var=region={lake.settings.region}", f"-var=bucket={bucket}"]
    bootstrap.run("init", "-reconfigure", "-input=false", f"-backend-config=path={bucket}.tfstate")
    if _is_there(lake, "head_bucket") and not bootstrap.resources():
        bootstrap.run("import", "-input=false", *variables, "aws_s3_bucket.state", bucket)
    bootstrap.run("apply", "-input=false", "-auto-approve", *variables)
    client("s3").upload_file(str(bootstrap.folder / f"{bucket}.tfstate"), bucket, _OWN_STATE)


def _is_there(lake: Lake, operation: str, **given: Any) -> bool:
    try:
        getattr(client("s3"), operation)(Bucket=state_bucket(lake), ExpectedBucketOwner=lake.account, **given)
    except ClientError as error:
        if error_code(error) == "404":
            return False
        if error_code(error) == "403":
            raise ShoplakeError(
                f"The bucket {state_bucket(lake)} is another account's, or these credentials may not look into it: "
                "ask for s3:ListBucket, s3:GetObject and s3:PutObject on it."
            ) from None
        raise
    return True
