"""What a person can do about an error of the AWS SDK."""

from typing import Any

_NOT_ALLOWED = ("403", "AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation")
_BAD_CREDENTIALS = (
    "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSignatureException",
    "InvalidToken", "RequestExpired", "SignatureDoesNotMatch", "UnrecognizedClientException",
)  # fmt: skip
_NOT_DEPLOYED = ("NoSuchBucket", "ResourceNotFoundException", "NonExistentQueue", "StateMachineDoesNotExist")


def aws_problem(error: Exception, env: str) -> str | None:
    """What a person can do about an error of the AWS SDK, in one sentence; None for any other error."""
    from boto3.exceptions import S3UploadFailedError
    from botocore import exceptions as aws

    if isinstance(error, S3UploadFailedError) and isinstance(error.__context__, aws.ClientError):
        error = error.__context__
    no_credentials = (
        aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError, aws.ProfileNotFound,
        aws.ConfigNotFound, aws.TokenRetrievalError, aws.SSOError,
    )  # fmt: skip
    if isinstance(error, no_credentials):
        return f"No usable AWS credentials for environment {env} ({_end_less(error)}): sign in or set AWS_PROFILE."
    if isinstance(error, aws.NoRegionError | aws.InvalidRegionError):
        return f"AWS has no such region ({_end_less(error)}): mend region of environment {env} in lake.yaml."
    if isinstance(error, aws.HTTPClientError | aws.ConnectionError):
        if env == "local":
            return "The local lake no longer answers: look at `shoplake status`, or run `shoplake up` again."
        advice = f"check the network, and region of environment {env} in lake.yaml"
        return f"AWS can't be reached ({_end_less(error)}): {advice}."
    if isinstance(error, aws.ClientError):
        return _refusal(error.response.get("Error", {}), error.operation_name, env)
    return None


def _refusal(error: dict[str, Any], operation: str, env: str) -> str | None:
    code, message = error.get("Code", ""), str(error.get("Message", "")).rstrip(".")
    if code == "InsufficientStorage":  # what the local lake answers on a full disk
        return f"{message}."
    if code in _BAD_CREDENTIALS:
        return f"AWS doesn't accept the credentials in use ({message}): sign in again."
    if code in _NOT_ALLOWED:
        return f"These credentials may not do that in environment {env} ({operation}: {message})."
    if code in _NOT_DEPLOYED:
        deploy = "`shoplake up`" if env == "local" else f"`make deploy ENV={env}`"
        return f"The lake of environment {env} isn't wholly there ({operation}: {message}): run {deploy}."
    return None


def _end_less(error: Exception) -> str:
    return str(error).rstrip(".")
