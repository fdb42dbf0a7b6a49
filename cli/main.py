"""The `shoplake` command: its commands, and what becomes of errors.

Exit codes: 0 success, 1 the run or check failed, 2 misuse, 130 interrupted. A mistake that the person can mend is
one sentence on standard error; anything else is a defect and shows itself whole.
"""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cli import data_commands, demo, doctor, generate_command, held_commands, lake_commands, run_commands
from cli.connection import LOCAL
from cli.errors import Misuse
from shoplake.aws_problems import aws_problem
from shoplake.errors import ShoplakeError

COMMANDS = {
    "The local lake": (
        lake_commands.up, lake_commands.down, lake_commands.reset, lake_commands.status, demo.demo,
        doctor.doctor,
    ),
    "Files and runs": (
        data_commands.drop, run_commands.run, run_commands.runs, run_commands.watch, run_commands.show,
        run_commands.replay, held_commands.discard, run_commands.receipt, lake_commands.mail,
        generate_command.generate,
    ),
    "Tables": (data_commands.tables, data_commands.query, data_commands.queries),
}  # fmt: skip


class Commands(TyperGroup):
    """Runs the command that was asked for, and turns expected errors into a sentence and an exit code."""

    def invoke(self, ctx: typer.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ShoplakeError as mistake:
            typer.echo(str(mistake), err=True)
            raise typer.Exit(2 if isinstance(mistake, Misuse) else 1) from mistake
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            sentence = aws_problem(error, ctx.params["env"])
            if sentence is None:
                raise
            typer.echo(sentence, err=True)
            raise typer.Exit(1) from error


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def shoplake(
    ctx: typer.Context,
    env: Annotated[
        str, typer.Option("--env", envvar="SHOPLAKE_ENV", help="The environment in lake.yaml to work in.")
    ] = LOCAL,
) -> None:
    """Files of an online shop become tables that can be trusted, on AWS or on this laptop.

    Example: shoplake up && shoplake drop transactions day.csv --wait
    """
    ctx.obj = env


for panel, functions in COMMANDS.items():
    for function in functions:
        app.command(rich_help_panel=panel)(function)


def main() -> None:
    """The entry point of the installed command."""
    app(prog_name="shoplake")


if __name__ == "__main__":
    main()
