"""Gap: `version-id` in S3's events on EventBridge.

The stock emulator leaves the object's version out of `Object Created`, which AWS states for a bucket with
versioning; without it nobody can tell two writes of one key apart. Hooks: `s3._fire_s3_event`, which knows the
version, and `eventbridge._dispatch_event`, which it calls in the same thread.
"""

import contextvars
import json

from ministack.services import eventbridge, s3

from local.gaps import hooks

_version = contextvars.ContextVar("version of the object that an S3 event is about", default=None)


def install() -> None:
    global _stock_fire, _stock_dispatch
    parameters = ("bucket_name", "key", "event_name", "size", "etag", "deletion_type", "restore_event_data",
                  "version_id", "sequencer", "object_extra", "record_extra")  # fmt: skip
    _stock_fire = hooks.replace(s3, "_fire_s3_event", _fire, parameters=parameters)
    _stock_dispatch = hooks.replace(eventbridge, "_dispatch_event", _dispatch, parameters=("event", "view"))


def _fire(*args, version_id=None, **kwargs):
    token = _version.set(version_id)
    try:
        return _stock_fire(*args, version_id=version_id, **kwargs)
    finally:
        _version.reset(token)


def _dispatch(event, view=None):
    version_id = _version.get()
    if version_id and event.get("Source") == "aws.s3":
        detail = json.loads(event["Detail"])
        detail["object"]["version-id"] = version_id
        event = {**event, "Detail": json.dumps(detail)}
    return _stock_dispatch(event, view)
