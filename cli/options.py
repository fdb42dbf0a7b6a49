"""Options that several commands have."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]
Wait = Annotated[bool, typer.Option("--wait", help="Follow the run until it ends; the exit code is its result.")]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="With --wait: seconds to follow at most.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, such as 2025-01-15-0007, or latest.")]
MaxDollars = Annotated[
    float | None, typer.Option("--max-dollars", min=0.01, help="What this one run may cost, whatever lake.yaml says.")
]
