"""The key with which personal values are hashed, from Secrets Manager.

The secret is a JSON object: `key`, 32 random bytes in hexadecimal, and `version`, which names it in every row that it
hashed. Hashes of two keys don't meet, so another key needs all tables to be rebuilt.
"""

import json
import secrets
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from shoplake.aws import client, error_code
from shoplake.config import Lake
from shoplake.errors import ConfigurationError

KEY_BYTES = 32


@dataclass(frozen=True)
class HashKey:
    """A key for HMAC-SHA-256, and its version."""

    version: str
    key: bytes = field(repr=False)


def new_key() -> str:
    """The text of a secret with a random key, as whoever sets up a lake stores it once."""
    return json.dumps({"version": "1", "key": secrets.token_hex(KEY_BYTES)})


def read_key(lake: Lake) -> HashKey:
    """The lake's key. Raises ConfigurationError where there is none, or none that is long enough."""
    name = lake.personal_data_secret
    try:
        text = client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        remedy = "`shoplake up` makes it" if lake.env == "local" else "deploy the lake to make it"
        raise ConfigurationError(f"The secret {name}, the key for personal data, is missing: {remedy}.") from None
    try:
        secret = json.loads(text)
        found = HashKey(str(secret["version"]), bytes.fromhex(secret["key"]))
    except (ValueError, KeyError, TypeError):
        found = None  # what was wrong with it would tell of the key
    if found is None or len(found.key) < KEY_BYTES:
        raise ConfigurationError(
            f"The secret {name} is no key for personal data: it must be a JSON object with version and key, "
            f"{KEY_BYTES} bytes in hexadecimal."
        )
    return found
