"""Provision local lakes of some environments on an emulator of its own; print the calls that made them, as JSON.

A process of its own, since one has one emulator:
`python -m tests.terraform.record_provisioning FOLDER ACCOUNT READER ENV...`. READER's address stands in the first
environment's alerts, as if lake.yaml had it.
"""

import json
import os
import socket
import sys
from pathlib import Path

# The emulator takes a key of twelve digits for the account's number.
os.environ["AWS_ACCESS_KEY_ID"] = sys.argv[2]

import boto3

from local.emulator import Emulator
from local.provision import provision
from shoplake.artifacts import build_artifacts
from shoplake.config import Lake
from shoplake.inventory import Inventory, load_inventory
from shoplake.root import root

_ASKING = ("Get", "Describe", "List", "Head")


def read_by(inventory: Inventory, environment: str, reader: str) -> Inventory:
    """The inventory with an address in an environment's alerts."""
    settings = inventory.environments[environment].model_copy(update={"alerts": [reader]})
    return inventory.model_copy(update={"environments": inventory.environments | {environment: settings}})


def main(folder: Path, account: str, reader: str, environments: list[str]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    emulator = Emulator(port, folder / "state").start()
    os.environ["AWS_ACCESS_KEY_ID"] = account
    boto3.setup_default_session()
    artifacts = build_artifacts(root(), folder / "build")
    inventory = read_by(load_inventory(), environments[0], reader)
    for environment in environments:

        def record(params, model, environment=environment, **_) -> None:
            if not model.name.startswith(_ASKING):
                call = {"env": environment, "service": model.service_model.service_name, "call": model.name}
                print(json.dumps(call | {"given": params}, default=lambda value: "(bytes)"), flush=True)

        events = boto3.DEFAULT_SESSION.events
        events.register("before-parameter-build.*.*", record, unique_id="recorder")
        provision(Lake(inventory, environment, account), artifacts)
        events.unregister("before-parameter-build.*.*", unique_id="recorder")
        from shoplake.aws import client

        client.cache_clear()
    emulator.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
