"""What the pinned emulator lacks or does otherwise than AWS, one readable file a gap.

Each module has `install()`, which hooks into the emulator in this process. A gap may also have
`warm_up()`, which starts slow processes of its own ahead of their use, and `shut_down()`, which ends them.
"""

import importlib
import sys

# In the order of installation. Modules are imported by name, after the emulator's environment is set:
# importing one imports the emulator, which reads its settings once.
GAPS = (
    "lambda_errors",
    "sqs_batching",
    "sqs_moved_port",
    "s3_event_version",
    "s3_full_disk",
    "sns_email",
    "step_functions_history",
    "step_functions_states",
    "step_functions_map",
    "step_functions_retry",
    "step_functions_sync",
    "glue_jobs",
    "crawlers",
    "athena",
    "athena_metrics",
    "cloudwatch_alarms",
    "lambda_metrics",
    "sqs_metrics",
    "step_functions_metrics",
)


def install_all() -> None:
    """Fill every gap. Raises hooks.HookMismatch when the emulator is not the one they were written for."""
    for name in GAPS:
        importlib.import_module(f"{__name__}.{name}").install()


def warm_up_all() -> None:
    """Start what gaps keep running beside the emulator. Returns at once."""
    _call_all("warm_up")


def shut_down_all() -> None:
    """End what gaps keep running beside the emulator."""
    _call_all("shut_down")


def _call_all(function: str) -> None:
    for name in GAPS:
        module = sys.modules.get(f"{__name__}.{name}")
        if module is not None and hasattr(module, function):
            getattr(module, function)()
