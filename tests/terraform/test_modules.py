"""Each module and root is well formed, valid, and passes its own `terraform test`."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.terraform.workspace import ROOT

MODULES = sorted(f"modules/{path.name}" for path in (ROOT / "modules").iterdir() if path.is_dir())
ROOTS = ["terraform/bootstrap", "terraform/lake"]
LEAST_RUNS = 5


def test_all_of_it_is_formatted(workspace):
    answer = workspace.run(".", "fmt", "-check", "-recursive", "-no-color", "modules")
    also = workspace.run(".", "fmt", "-check", "-recursive", "-no-color", "terraform")
    assert (answer.stdout + also.stdout, answer.returncode, also.returncode) == ("", 0, 0)


@pytest.mark.parametrize("place", [*MODULES, *ROOTS])
def test_it_is_valid_by_the_schema_of_the_aws_provider(workspace, place):
    workspace.init(place)
    answer = workspace.run(place, "validate", "-json")
    assert json.loads(answer.stdout)["diagnostics"] == []


@pytest.mark.parametrize("place", [*MODULES, *ROOTS])
def test_what_it_claims_holds(workspace, place):
    """By `terraform test`. The root's runs plan the whole lake with what was built."""
    workspace.init(place)
    given = [f"-var=artifacts={workspace.artifacts}"] if place == "terraform/lake" else []
    answer = workspace.run(place, "test", "-no-color", *given)
    assert answer.returncode == 0, answer.stdout[-6000:] + answer.stderr
    passed = int(re.search(r"(\d+) passed, 0 failed", answer.stdout)[1])
    assert passed >= LEAST_RUNS


@pytest.mark.parametrize("place", [*MODULES, *ROOTS])
def test_names_of_runs_are_sentences_and_some_are_refusals(place):
    for path in (ROOT / place / "tests").glob("*.tftest.hcl"):
        names = re.findall(r'^run "(\w+)"', path.read_text(), re.MULTILINE)
        assert len(names) == len(set(names)) >= LEAST_RUNS
        assert all(name.count("_") >= 2 for name in names)
        assert any(name.startswith("refuses_") for name in names)


@pytest.mark.parametrize("place", [*MODULES, *ROOTS])
def test_every_validation_of_a_variable_has_a_run_that_it_refuses(place):
    """As many runs expect a variable's failure as it has validations; each breaks one of them."""
    refused = Counter(
        name
        for path in (ROOT / place / "tests").glob("*.tftest.hcl")
        for listed in re.findall(r"expect_failures = \[(.*?)\]", path.read_text(), re.DOTALL)
        for name in re.findall(r"var\.(\w+)", listed)
    )
    for name, body in re.findall(r'^variable "(\w+)" \{(.*?)^\}', variables_of(place), re.MULTILINE | re.DOTALL):
        assert refused[name] >= body.count("  validation {"), f"{place}: {name}"


def variables_of(place: str) -> str:
    return (ROOT / place / "variables.tf").read_text()


@pytest.mark.parametrize("place", MODULES)
def test_a_modules_readme_shows_the_example_that_is_tested(place):
    example = (ROOT / place / "tests/example/main.tf").read_text().replace('source = "../.."', f'source = "./{place}"')
    readme = (ROOT / place / "README.md").read_text()
    assert f"```hcl\n{example}```" in readme


@pytest.mark.parametrize("place", MODULES)
def test_every_variable_and_output_says_what_it_is(place):
    for file, kind in (("variables.tf", "variable"), ("outputs.tf", "output")):
        blocks = re.split(rf"^{kind} ", Path(ROOT / place / file).read_text(), flags=re.MULTILINE)[1:]
        assert all("description = " in block for block in blocks), f"{place}/{file}"


def test_providers_stand_in_roots_alone():
    for place in MODULES:
        assert not any(
            re.search(r'^provider "', path.read_text(), re.MULTILINE) for path in (ROOT / place).rglob("*.tf")
        )
