"""`shoplake doctor`: can this machine run the local lake, or deploy to AWS, and if not, what is to be done."""

import locale
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import typer

from cli.connection import LOCAL, state_dir
from cli.options import Json
from shoplake.aws_problems import aws_problem
from shoplake.checks import OK, PROBLEM, WARNING, Check
from shoplake.errors import ConfigurationError

MOST_SKEW_S = 300  # AWS refuses requests that are signed more than five minutes off


def doctor(ctx: typer.Context, as_json: Json = False) -> None:
    """Check that this machine has what the lake needs, and say what to do where it hasn't.

    Exits with 1 where something would stop `shoplake up`; with --env dev, where something would stop a deployment.

    Example: shoplake doctor
    """
    from cli.rendering import checks_view, make_console, print_json

    found = list(_of_local() if ctx.obj == LOCAL else of_aws(ctx.obj))
    if as_json:
        print_json([asdict(check) for check in found])
    else:
        console = make_console()
        console.print(checks_view(found))
        console.print(_summary(ctx.obj, found), soft_wrap=True)
    raise typer.Exit(1 if any(check.state == PROBLEM for check in found) else 0)


def _of_local() -> Iterator[Check]:
    from local.checkup import check_machine

    yield from check_machine(state_dir())
    yield declarations()
    yield text()


def of_aws(env: str) -> Iterator[Check]:
    """What a deployment to an environment on AWS needs. Raises Misuse where lake.yaml doesn't know it."""
    from cli.connection import known_environment

    settings = known_environment(env)
    yield declarations()
    yield terraform()
    yield region(settings.region)
    yield from credentials(env, settings.region, settings.account or os.environ.get("SHOPLAKE_ACCOUNT"))
    yield text()


def declarations() -> Check:
    """Whether `lake.yaml` and all that it names can be read."""
    from cli.lake_commands import check_declarations

    try:
        check_declarations()
    except ConfigurationError as mistake:
        return Check("Declarations", PROBLEM, str(mistake), "Mend that file, or take it back from git.")
    return Check("Declarations", OK, "lake.yaml, contracts, tables, views and queries can be read")


def text() -> Check:
    """Names of shops and products need more than ASCII."""
    encoding = locale.getpreferredencoding(False)
    if encoding.upper().replace("-", "") == "UTF8":
        return Check("Text", OK, "UTF-8")
    advice = "Set LANG to a locale that ends in UTF-8, for example export LANG=C.UTF-8."
    return Check("Text", WARNING, f"this terminal writes {encoding}", advice)


def terraform() -> Check:
    from deploy.terraform import LEAST, TerraformFailed, installed_version, is_new_enough

    advice = (
        f"Install Terraform {LEAST} or newer. Debian, Ubuntu: from HashiCorp's apt repository, sudo apt install "
        "terraform; macOS: brew install hashicorp/tap/terraform."
    )
    try:
        version = installed_version()
    except TerraformFailed as mistake:
        return Check("Terraform", PROBLEM, str(mistake).rstrip("."), advice)
    if version is None:
        return Check("Terraform", PROBLEM, "there is none on the PATH", advice)
    if not is_new_enough(version):
        return Check("Terraform", PROBLEM, f"{version}, older than {LEAST}", advice)
    return Check("Terraform", OK, f"{version}, {shutil.which('terraform')}")


def region(name: str) -> Check:
    """The environment's region, which goes before what the shell says."""
    from boto3.session import Session

    if name not in Session().get_available_regions("glue"):
        advice = "Mend region in lake.yaml, for example us-east-1 or eu-west-1."
        return Check("Region", PROBLEM, f"{name} is no region in which boto3 knows Glue", advice)
    own = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    beside = f"; your shell says {own}, which the lake's commands don't follow" if own and own != name else ""
    return Check("Region", OK, f"{name}, from lake.yaml{beside}")


def credentials(env: str, region: str, account: str | None) -> Iterator[Check]:
    """Who AWS takes this person for, whether that is the environment's account, and what the clock there says."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    quick = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 2})
    try:
        answer = boto3.client("sts", region_name=region, config=quick).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        sentence = aws_problem(error, env) or str(error)
        advice = "Sign in (aws sso login), set AWS_PROFILE, or run aws configure; then try again."
        yield Check("Credentials", PROBLEM, sentence, advice)
        return
    if account and answer["Account"] != account:
        found = f"{answer['Arn']}, but environment {env} is of account {account}"
        yield Check("Credentials", PROBLEM, found, "Set AWS_PROFILE to a profile of that account.")
    else:
        yield Check("Credentials", OK, answer["Arn"])
    yield clock(answer["ResponseMetadata"]["HTTPHeaders"].get("date"))


def clock(said: str | None, now: datetime | None = None) -> Check:
    """This machine's clock against the one of AWS, by the date of an answer."""
    if said is None:
        return Check("Clock", OK, "AWS didn't say what time it is")
    skew_s = abs(((now or datetime.now(UTC)) - parsedate_to_datetime(said)).total_seconds())
    found = f"{skew_s:,.0f} s off from AWS's"
    if skew_s <= MOST_SKEW_S / 5:
        return Check("Clock", OK, found)
    advice = "Let the system set it: sudo timedatectl set-ntp true; macOS: sudo sntp -sS time.apple.com."
    return Check("Clock", PROBLEM if skew_s > MOST_SKEW_S else WARNING, found, advice)


def _summary(env: str, found: list[Check]) -> Any:
    problems = sum(check.state == PROBLEM for check in found)
    what = "shoplake up" if env == LOCAL else f"make deploy ENV={env}"
    if problems:
        return f"{problems} of {len(found)} checks would stop `{what}`: mend what is red, from the top."
    return f"Nothing would stop `{what}`."
