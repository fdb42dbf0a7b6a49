"""What is deployed stands on its own, and the same sources give the same bytes."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from shoplake.artifacts import build_artifacts
from shoplake.errors import ConfigurationError
from shoplake.inventory import load_inventory

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("shoplake", "quality", "jobs", "lambdas", "contracts", "tables", "state_machines", "views")
FUNCTIONS = tuple(load_inventory(ROOT / "lake.yaml").functions)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of what is deployed, for tests that change it."""
    copy = tmp_path_factory.mktemp("checkout")
    for folder in SOURCES:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("lake.yaml", "pyproject.toml"):
        shutil.copy(ROOT / file, copy / file)
    return copy


@pytest.fixture(scope="module")
def built(checkout, tmp_path_factory):
    return build_artifacts(checkout, tmp_path_factory.mktemp("build"))


def test_the_same_sources_give_the_same_bytes(checkout, built, tmp_path):
    for file in (checkout / "shoplake").glob("*.py"):
        os.utime(file, (1e9, 1e9))
    (checkout / "shoplake" / "errors.py").chmod(0o600)
    again = build_artifacts(checkout, tmp_path)
    assert hashes(again) == hashes(built)
    assert [a.path.read_bytes() for a in files(again)] == [b.path.read_bytes() for b in files(built)]


def test_a_changed_handler_changes_its_own_function_and_nothing_else(checkout, built, tmp_path):
    changed = tmp_path / "checkout"
    shutil.copytree(checkout, changed)
    with (changed / "lambdas" / "publish" / "handler.py").open("a") as handler:
        handler.write("# changed\n")
    again = hashes(build_artifacts(changed, tmp_path / "build"))
    assert [key for key, sha256 in hashes(built).items() if again[key] != sha256] == ["functions/publish.zip"]


def test_objects_are_named_by_kind(built):
    assert built.functions["roll_back"].key == "functions/roll_back.zip"
    assert built.scripts["quality_gate"].key == "jobs/quality_gate.py"
    assert built.wheel.key == "wheels/shoplake-0.1.0-py3-none-any.whl"
    assert all(a.path.as_posix().endswith(a.key) for a in files(built))


def test_archives_hold_no_compiled_code_and_no_hidden_files(checkout, built, tmp_path):
    (checkout / "shoplake" / "__pycache__").mkdir(exist_ok=True)
    (checkout / "shoplake" / "__pycache__" / "aws.pyc").write_bytes(b"")
    (checkout / "contracts" / ".DS_Store").write_bytes(b"")
    assert hashes(build_artifacts(checkout, tmp_path)) == hashes(built)
    for artifact in [*built.functions.values(), built.wheel]:
        names = zipfile.ZipFile(artifact.path).namelist()
        assert not [name for name in names if "__pycache__" in name or "/." in name]
        assert "shoplake/_lake/lake.yaml" in names


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_zip_runs_without_the_checkout(built, name, tmp_path):
    """Only the zip and third-party packages are on the path: -S leaves out the checkout's installation."""
    with zipfile.ZipFile(built.functions[name].path) as archive:
        archive.extractall(tmp_path)
    code = """
        import json, handler, shoplake.config
        from shoplake.state_machine import definition
        from shoplake.tables import load_tables
        lake = shoplake.config.load_lake("local")
        json.loads(definition(lake))
        print(json.dumps([shoplake.__file__, callable(handler.handler), lake.bucket, len(load_tables()) > 0]))
    """
    shown = run_alone(tmp_path, code)
    assert shown == [f"{tmp_path}/shoplake/__init__.py", True, "shoplake-local-lake-000000000000", True]


def test_jobs_import_the_wheel_as_it_is(built, tmp_path):
    """Glue puts it on the path and unpacks nothing: its files are found all the same."""
    code = """
        import json, quality, shoplake.config
        from shoplake.contracts import load_contract
        from shoplake.tables import load_tables
        found = [quality.__file__, len(load_contract("transactions").columns) > 5, len(load_tables()) > 10]
        print(json.dumps([*found, shoplake.config.load_lake("local").bucket]))
    """
    found = [f"{built.wheel.path}/quality/__init__.py", True, True, "shoplake-local-lake-000000000000"]
    assert run_alone(built.wheel.path, code, cwd=tmp_path) == found


def test_pip_installs_the_wheel(built, tmp_path):
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "--disable-pip-version-check",
    ]
    subprocess.run([*command, "--target", tmp_path, built.wheel.path], check=True, capture_output=True)
    code = """
        import json, shoplake.config, quality
        from importlib.metadata import version
        print(json.dumps([quality.__file__, version("shoplake"), shoplake.config.load_lake("local").env]))
    """
    assert run_alone(tmp_path, code) == [f"{tmp_path}/quality/__init__.py", "0.1.0", "local"]


def test_a_script_that_is_not_there_is_named(checkout, tmp_path):
    incomplete = tmp_path / "checkout"
    shutil.copytree(checkout, incomplete)
    (incomplete / "jobs" / "transaction_etl.py").unlink()
    with pytest.raises(
        ConfigurationError, match=r"jobs\.transaction_etl\.script: there is no file jobs/transaction_etl\.py"
    ):
        build_artifacts(incomplete, tmp_path / "build")


def files(artifacts) -> list:
    return [*artifacts.functions.values(), *artifacts.scripts.values(), artifacts.wheel]


def hashes(artifacts) -> dict[str, str]:
    return {artifact.key: artifact.sha256 for artifact in files(artifacts)}


def run_alone(packages: Path, code: str, cwd: Path | None = None) -> list:
    """What `code` prints as JSON, with only `packages` (a folder or an archive) and third-party packages to import."""
    path = os.pathsep.join([str(packages), sysconfig.get_path("purelib")])
    lines = "\n".join(line.strip() for line in code.strip().splitlines())
    done = subprocess.run(
        [sys.executable, "-S", "-c", lines],
        cwd=cwd or packages,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
