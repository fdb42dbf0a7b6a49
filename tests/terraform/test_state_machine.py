"""The state machine as planned is a state machine, by the validator that AWS's own schema stands behind."""

import json
import os
import subprocess

import pytest

from tests.terraform.conftest import ENVIRONMENTS
from tests.terraform.workspace import ROOT, one

VALIDATOR = ROOT / ".tools/node_modules/.bin/asl-validator"


def said_of(definition: dict, folder) -> tuple[int, str]:
    path = folder / "definition.json"
    path.write_text(json.dumps(definition))
    answer = subprocess.run([VALIDATOR, "--json-path", path], capture_output=True, text=True)
    return answer.returncode, answer.stdout + answer.stderr


@pytest.fixture
def definition(plans):
    return lambda environment: json.loads(one(plans[environment].values("aws_sfn_state_machine"))["definition"])


needs_validator = pytest.mark.skipif(not os.access(VALIDATOR, os.X_OK), reason="no asl-validator: `make tools` gets it")


@needs_validator
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_planned_state_machine_is_valid(definition, environment, tmp_path):
    code, said = said_of(definition(environment), tmp_path)
    assert code == 0, said


@needs_validator
def test_a_transition_to_nowhere_is_found(definition, tmp_path):
    broken = definition("dev")
    broken["States"]["Publish"]["Next"] = "Nowhere"
    code, said = said_of(broken, tmp_path)
    assert code != 0 and "Nowhere" in said


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_it_calls_functions_and_jobs_of_its_own_environment_alone(definition, environment):
    text = json.dumps(definition(environment))
    others = [name for name in ENVIRONMENTS if name != environment]
    assert f"shoplake-{environment}-" in text
    assert not any(f"shoplake-{name}-" in text for name in others)
