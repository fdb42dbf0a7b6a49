"""Validate and stage one file of a run: the only reader of foreign bytes.

Input: `{"run_id", "file": a manifest line}`, and `gave_up` when an earlier call died of this file. Output: the
file's number and verdict. Raises only on what a retry may cure; whatever is in the file ends in a verdict.
"""

import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from shoplake.aws import client, error_code
from shoplake.config import Lake, load_lake
from shoplake.contracts import load_contract
from shoplake.files import Files, FileVersion
from shoplake.keys import RunKeys, parse_raw_key
from shoplake.quarantine import keep_refused_file
from shoplake.staging import Limits, Staging, stage
from shoplake.verdicts import Problem, Verdict, put_verdict

logger = Logger()
_OUT_OF_ROOM = ("Sandbox.Timedout", "States.Timeout", "Runtime.ExitError", "Runtime.OutOfMemory", "MemoryError")
_GONE = ("NoSuchKey", "NoSuchVersion", "404")


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Give one file its verdict and store its records."""
    lake, started = load_lake(), time.monotonic()
    file, number = FileVersion.of(event["file"]), event["file"]["number"]
    keys = lake.run_keys(event["run_id"])
    if "gave_up" in event:
        verdict = refusal(file, number, "unreadable", gave_up(event["gave_up"].get("Error", "")))
    elif file.dataset not in lake.inventory.datasets:
        verdict = refusal(file, number, "unknown_dataset", unknown_dataset(lake, file))
    else:
        verdict = stage_file(lake, keys, file, number)
    verdict.seconds = round(time.monotonic() - started, 3)
    verdict.peak_memory_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    put_verdict(lake.bucket, keys, verdict)
    if verdict.verdict == "refused":
        keep_refused_file(lake, keys, verdict)
    if verdict.md5:
        Files(lake.files_table).note_content(file.object_id, verdict.content, {"md5": verdict.md5})
    logger.info("verdict", extra={"key": file.key, "verdict": verdict.verdict, "rows": verdict.rows_read})
    return {"number": number, "verdict": verdict.verdict}


def gave_up(error: str) -> str:
    """What is said of a file that a call of this function died of."""
    if error in _OUT_OF_ROOM:
        return f"could not be read to its end ({error}); split the file and drop the parts"
    return f"holds something that the validator can't read ({error}); export it as CSV or JSON Lines and drop that"


def stage_file(lake: Lake, keys: RunKeys, file: FileVersion, number: int) -> Verdict:
    """Stream the file once; upload its records and what has no structure."""
    limits = lake.inventory.files
    contract = load_contract(file.dataset).bound_to(file.source)
    try:
        body = client("s3").get_object(Bucket=lake.bucket, Key=file.key, VersionId=file.version_id)["Body"]
    except ClientError as error:
        if error_code(error) in _GONE:
            return refusal(file, number, "unreadable", "was deleted before it could be read; drop it again")
        raise
    name = parse_raw_key(file.key, lake.zone("raw")).name
    with tempfile.TemporaryDirectory() as folder:
        staged, rejects = Path(folder, "staged.parquet"), Path(folder, "rejects.jsonl")
        staging = stage(
            body,
            name,
            contract,
            staged,
            rejects,
            Limits(limits.max_uncompressed_mb * 1_000_000, limits.max_record_mb * 1_000_000),
        )
        verdict = verdict_of(file, number, staging)
        if verdict.is_loaded:
            verdict.staged_key = keys.staged(file.dataset, number)
            client("s3").upload_file(str(staged), lake.bucket, verdict.staged_key)
            if staging.rows_quarantined:
                place = keys.structure_rejects(file.dataset, number, name)
                client("s3").upload_file(str(rejects), lake.bucket, place)
    return verdict


def verdict_of(file: FileVersion, number: int, staging: Staging) -> Verdict:
    """The verdict on what the staging engine found."""
    verdict = _verdict(
        file,
        number,
        verdict="accepted_with_rejects" if staging.rows_quarantined else "accepted",
        md5=staging.md5,
        source=staging.source,
        format=staging.format,
        encoding=staging.encoding,
        delimiter=staging.delimiter,
        header=staging.header,
        extra_columns=list(staging.extra_columns),
        notes=list(staging.notes),
        force=file.force,
        problems=[Problem(**problem.__dict__) for problem in staging.problems],
    )
    if staging.refusal:
        verdict.verdict, verdict.reason, verdict.sentence = "refused", staging.refusal.code, staging.refusal.sentence
        return verdict
    verdict.rows_read, verdict.rows_staged = staging.rows_read, staging.rows_staged
    verdict.rows_quarantined = staging.rows_quarantined
    return verdict


def refusal(file: FileVersion, number: int, reason: str, sentence: str) -> Verdict:
    """The verdict on a file that was not even opened, or not to its end."""
    return _verdict(file, number, verdict="refused", reason=reason, sentence=sentence)


def _verdict(file: FileVersion, number: int, **found: Any) -> Verdict:
    """A verdict that says which object version it is on."""
    return Verdict(
        number=number,
        key=file.key,
        version_id=file.version_id,
        dataset=file.dataset,
        arrived_at=file.arrived_at,
        size_bytes=file.size,
        **found,
    )


def unknown_dataset(lake: Lake, file: FileVersion) -> str:
    known = ", ".join(lake.inventory.datasets)
    return f"is in no known dataset ({file.dataset or 'directly under raw/'!r}); put it under raw/ in one of: {known}"
