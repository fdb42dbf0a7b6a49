"""The state machine, and the rule that tells `run_ended` of every execution's end."""

from local.provision.account import Account, found
from shoplake.aws import client
from shoplake.state_machine import definition

ENDS = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


def provision(account: Account) -> None:
    _ensure_state_machine(account)
    _ensure_end_of_runs(account)


def _ensure_state_machine(account: Account) -> None:
    lake, states = account.lake, client("stepfunctions")
    role = account.ensure_role(lake.inventory.state_machine.name, "states")
    wanted = {"definition": definition(lake), "roleArn": role}
    account.ensure(
        f"state machine {lake.state_machine_name}",
        found(states.describe_state_machine, "StateMachineDoesNotExist", stateMachineArn=lake.state_machine_arn),
        wanted,
        create=lambda: states.create_state_machine(name=lake.state_machine_name, type="STANDARD", **wanted),
        update=lambda: states.update_state_machine(stateMachineArn=lake.state_machine_arn, **wanted),
    )


def _ensure_end_of_runs(account: Account) -> None:
    lake = account.lake
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [lake.state_machine_arn], "status": list(ENDS)},
    }
    rule_arn = account.ensure_rule(f"{lake.prefix}run-ended", pattern, "run-ended", lake.function_arn("run_ended"))
    account.ensure_permission(lake.function_name("run_ended"), rule_arn)
