"""Gap: a full disk under S3.

The stock emulator answers 200 to a PUT that it couldn't write to disk: the object lives in memory, and is gone after
the next start, with whatever table refers to it. Here such a request is refused, mostly before it has changed
anything, with a status that no client tries again: 507 InsufficientStorage. Hooks: `s3.handle_request` and
`s3._atomic_write`.
"""

import contextvars
import shutil
from pathlib import Path
from xml.sax.saxutils import escape

from ministack.services import s3

from local.gaps import hooks

WRITING = ("PUT", "POST")
# Beside the object itself: its record of versions, and what the file system rounds up.
MARGIN_BYTES = 256 * 1024
REFUSED = 507

# What kept S3 from writing, of the request at hand; S3 answers parts of a request on another thread.
_failures: contextvars.ContextVar[list[OSError] | None] = contextvars.ContextVar("failures", default=None)


def install() -> None:
    global _stock_handle, _stock_write
    parameters = ("method", "path", "headers", "body", "query_params", "signed_path", "enforce_bucket_region",
                  "internal", "access_point_region", "access_point")  # fmt: skip
    _stock_handle = hooks.replace(s3, "handle_request", _handle_request, parameters=parameters)
    _stock_write = hooks.replace(s3, "_atomic_write", _atomic_write, parameters=("fpath", "data", "text"))


async def _handle_request(method, path, headers, body, query_params, *args, **kwargs):
    free_bytes = _free_bytes(path) if method in WRITING else None
    if free_bytes is not None and free_bytes < len(body) + MARGIN_BYTES:
        return _refusal(path, f"{len(body):,} bytes to write and {free_bytes:,} bytes free")
    failures: list[OSError] = []
    token = _failures.set(failures)
    try:
        answer = await _stock_handle(method, path, headers, body, query_params, *args, **kwargs)
    finally:
        _failures.reset(token)
    return _refusal(path, str(failures[0])) if failures else answer


def _atomic_write(fpath, data, *, text=False):
    try:
        _stock_write(fpath, data, text=text)
    except OSError as failure:
        noted = _failures.get()
        if noted is not None:
            noted.append(failure)  # the caller only logs it
        raise


def _free_bytes(path: str) -> int:
    """Free space where the object of a request will be written."""
    folder = Path(s3.DATA_DIR, s3.get_account_id(), path.lstrip("/"))
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _refusal(path: str, why: str) -> tuple[int, dict[str, str], bytes]:
    message = f"No space left on device: the disk of the local lake is full, make room on it ({why}, for {path})"
    body = f"<Error><Code>InsufficientStorage</Code><Message>{escape(message)}</Message></Error>"
    return REFUSED, {"Content-Type": "application/xml"}, body.encode()
