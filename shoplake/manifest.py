"""A run's manifest: the file versions that are its whole input, one JSON object a line, by arrival."""

import json
from collections.abc import Iterable

from shoplake.aws import client
from shoplake.config import Lake
from shoplake.files import FileVersion


def write_manifest(lake: Lake, run_id: str, files: Iterable[FileVersion]) -> None:
    """Number the files by arrival and store them as the run's input."""
    in_order = sorted(files, key=lambda file: file.arrival)
    lines = [json.dumps({"number": number, **file.values()}) for number, file in enumerate(in_order)]
    client("s3").put_object(
        Bucket=lake.bucket,
        Key=lake.run_keys(run_id).manifest,
        Body=("\n".join(lines) + "\n").encode(),
        ContentType="application/x-ndjson",
    )


def read_manifest(lake: Lake, run_id: str) -> list[FileVersion]:
    """The file versions of a run; none where it died before it had any."""
    key = lake.run_keys(run_id).manifest
    try:
        body = client("s3").get_object(Bucket=lake.bucket, Key=key)["Body"].read().decode()
    except client("s3").exceptions.NoSuchKey:
        return []
    return [FileVersion.of(json.loads(line)) for line in body.splitlines()]
