"""The key with which personal values are hashed: made once, at random, and left alone from then on."""

import json
import secrets

from local.provision.account import Account, found
from shoplake.aws import client
from shoplake.personal_data import KEY_BYTES


def provision(account: Account) -> None:
    name, manager = account.lake.personal_data_secret, client("secretsmanager")
    if found(manager.describe_secret, "ResourceNotFoundException", SecretId=name) is None:
        key = {"version": "1", "key": secrets.token_hex(KEY_BYTES)}
        manager.create_secret(Name=name, SecretString=json.dumps(key))
        account.changed(f"created secret {name}")
