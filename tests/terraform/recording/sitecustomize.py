"""Loaded by every Python process of a recorded lake: a function's calls of AWS are written down with its name.

Python imports a `sitecustomize` by itself when it starts, from PYTHONPATH. Requests that no Python makes (pyarrow reads
and writes S3 from C++) bear the function's name as their access key, which the recorder sees at the emulator's door.
The command line is recorded likewise, under the name of the role that uses it.
"""

import json
import os
import sys

_FUNCTION, _CALLS = os.environ.get("POWERTOOLS_SERVICE_NAME"), os.environ.get("RECORDED_CALLS")


def _record() -> None:
    import botocore.client
    import botocore.exceptions

    made = botocore.client.BaseClient._make_api_call

    def recorded(self, operation_name, api_params):
        os.environ["AWS_ACCESS_KEY_ID"] = f"function-{_FUNCTION}"
        given = json.loads(json.dumps(api_params, default=lambda value: "(bytes)"))  # as it is now: botocore changes it
        line = {
            "by": _FUNCTION,
            "service": self.meta.service_model.service_name,
            "call": operation_name,
            "given": given,
        }
        try:
            return made(self, operation_name, api_params)
        except botocore.exceptions.ClientError as error:
            line["was_missing"] = error.response["ResponseMetadata"]["HTTPStatusCode"] == 404
            raise
        finally:
            with open(_CALLS, "a") as calls:
                calls.write(json.dumps(line) + "\n")

    botocore.client.BaseClient._make_api_call = recorded


class _WhenBoto3IsImported:
    """Waits for it, so that a process that never calls AWS doesn't load botocore."""

    def find_spec(self, name, path=None, target=None):
        if name == "boto3":
            sys.meta_path.remove(self)
            _record()
        return None


if _FUNCTION and _CALLS:
    os.environ["AWS_ACCESS_KEY_ID"] = f"function-{_FUNCTION}"
    sys.meta_path.insert(0, _WhenBoto3IsImported())
