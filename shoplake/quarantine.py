"""Where refused files go: a copy under quarantine/, the verdict beside it."""

from botocore.exceptions import ClientError

from shoplake.aws import client, error_code, put_json
from shoplake.config import Lake
from shoplake.keys import RunKeys, parse_raw_key
from shoplake.verdicts import Verdict

_GONE = ("NoSuchKey", "NoSuchVersion", "404")


def keep_refused_file(lake: Lake, keys: RunKeys, verdict: Verdict) -> None:
    """Copy a refused file to quarantine with its verdict; the verdict alone when the file is gone."""
    name = parse_raw_key(verdict.key, lake.zone("raw")).name
    target = keys.refused_file(verdict.dataset, verdict.number, name)
    source = {"Bucket": lake.bucket, "Key": verdict.key, "VersionId": verdict.version_id}
    try:
        client("s3").copy(source, lake.bucket, target)
    except ClientError as error:
        if error_code(error) not in _GONE:
            raise
    put_json(lake.bucket, f"{target}.verdict.json", verdict.model_dump())
