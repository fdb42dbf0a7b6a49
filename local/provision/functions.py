"""Lambda functions, with a role and a log group each."""

from typing import Any

from local.provision.account import Account, found
from shoplake.artifacts import HANDLER, Artifact, Artifacts
from shoplake.aws import client
from shoplake.config import Lake


def provision(account: Account, artifacts: Artifacts) -> None:
    for name in account.lake.inventory.functions:
        account.ensure_log_group(
            f"/aws/lambda/{account.lake.function_name(name)}", account.lake.settings.log_days.functions
        )
        _ensure_function(account, name, artifacts.functions[name])


def _ensure_function(account: Account, name: str, artifact: Artifact) -> None:
    function, aws_lambda = account.lake.function_name(name), client("lambda")
    architectures = [account.lake.inventory.function_architecture]
    wanted = _configuration(account.lake, name) | {"Role": account.ensure_role(name, "lambda")}
    code = {"S3Bucket": account.lake.artifacts_bucket, "S3Key": artifact.key}
    present = found(aws_lambda.get_function_configuration, "ResourceNotFoundException", FunctionName=function)

    def create() -> None:
        aws_lambda.create_function(FunctionName=function, Architectures=architectures, Code=code, **wanted)

    def update() -> None:
        if present["CodeSha256"] != artifact.lambda_sha256:
            aws_lambda.update_function_code(FunctionName=function, Architectures=architectures, **code)
        aws_lambda.update_function_configuration(FunctionName=function, **wanted)

    hashed = {"CodeSha256": artifact.lambda_sha256}
    account.ensure(f"function {function}", present, wanted | hashed, create, update)


def _configuration(lake: Lake, name: str) -> dict[str, Any]:
    function = lake.function(name)
    return {
        "Description": function.does,
        "Runtime": lake.inventory.function_runtime,
        "Handler": HANDLER,
        "MemorySize": function.memory_mb,
        "Timeout": function.timeout_s,
        "EphemeralStorage": {"Size": function.ephemeral_mb},
        "Environment": {
            "Variables": {
                **lake.inventory.function_environment,
                "SHOPLAKE_ENV": lake.env,
                "SHOPLAKE_ACCOUNT": lake.account,
                "POWERTOOLS_SERVICE_NAME": name,
                "POWERTOOLS_TRACE_DISABLED": "1",  # nothing on this machine takes traces
            }
        },
    }
