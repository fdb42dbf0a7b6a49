"""What a deployed lake is doing and what it holds, looked at before it is changed or taken down."""

from botocore.exceptions import ClientError

from shoplake.aws import client, error_code
from shoplake.config import Lake
from shoplake.errors import ShoplakeError
from shoplake.runs import Runs


def require_idle(lake: Lake) -> None:
    """Raises ShoplakeError while a run is going. A lake without a table of runs has none."""
    try:
        lock = Runs(lake.runs_table).lock()
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return
        raise
    if lock:
        raise ShoplakeError(
            f"Run {lock.run_id} has been going since {lock.acquired_at}, and this would change what it works with: "
            f"`shoplake --env {lake.env} watch {lock.run_id}` shows when it ends; try again then."
        )


def what_it_holds(lake: Lake) -> list[str]:
    """First parts of the keys in the lake's bucket, such as `raw/`, in order; none where it is empty or missing.

    What was deleted counts as long as S3 keeps a version of it.
    """
    try:
        found = client("s3").list_object_versions(
            Bucket=lake.bucket, Delimiter="/", ExpectedBucketOwner=lake.account
        )  # of 1,000 at most: enough to tell zones apart
    except ClientError as error:
        if error_code(error) == "NoSuchBucket":
            return []
        raise
    names = {folder["Prefix"] for folder in found.get("CommonPrefixes", [])}
    names |= {version["Key"] for kind in ("Versions", "DeleteMarkers") for version in found.get(kind, [])}
    return sorted(names)
