"""The key with which personal values are hashed: made once, at random, and left alone from then on."""

from local.provision.account import Account, found
from shoplake.aws import client
from shoplake.personal_data import new_key


def provision(account: Account) -> None:
    name, manager = account.lake.personal_data_secret, client("secretsmanager")
    if found(manager.describe_secret, "ResourceNotFoundException", SecretId=name) is None:
        manager.create_secret(Name=name, SecretString=new_key())
        account.changed(f"created secret {name}")
