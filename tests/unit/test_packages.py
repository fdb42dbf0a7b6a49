"""The packages that functions and jobs bring along: locks, the layer's and the wheelhouse's form, Lambda's limit."""

import re
import sys
import zipfile
from importlib.metadata import packages_distributions
from modulefinder import ModuleFinder

import pytest

from deploy import packages
from shoplake.artifacts import build_artifacts
from shoplake.errors import ShoplakeError
from shoplake.inventory import load_inventory
from shoplake.root import root

LINE = re.compile(r"[a-z0-9-]+==[\w.]+ --hash=sha256:[0-9a-f]{64}")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_artifacts(root(), tmp_path_factory.mktemp("built"))


@pytest.fixture
def wheels(monkeypatch, tmp_path):
    """Two wheels instead of those that a lock names."""
    made = {
        "small-1.0-py3-none-any.whl": {
            "small/__init__.py": "", "small/tests/test_it.py": "", "small-1.0.dist-info/METADATA": "Name: small",
            "small-1.0.data/scripts/small": "#!",
            "pyarrow/libarrow.so.2100": "", "pyarrow/libarrow.so": "", "pyarrow/_flight.cpython-313.so": "",
            "pyarrow/libarrow_flight.so.2100": "", "pyarrow/flight.py": "", "small-1.0.data/purelib/small_too.py": "",
        },
        "large-2.0-py3-none-any.whl": {"large/data.bin": "x" * 1000},
    }  # fmt: skip
    for name, files in made.items():
        with zipfile.ZipFile(tmp_path / name, "w") as wheel:
            for file, content in files.items():
                wheel.writestr(file, content)
    paths = sorted(tmp_path.glob("*.whl"))
    monkeypatch.setattr(packages, "_wheels", lambda target, folder: paths)
    return tmp_path


def test_a_layer_holds_packages_below_python_and_no_tests_commands_or_what_nobody_loads(wheels):
    layer = packages.build_layer(wheels / "built", 0)
    assert layer.key == "layers/packages.zip"
    assert sorted(zipfile.ZipFile(layer.path).namelist()) == [
        "python/large/data.bin", "python/pyarrow/libarrow.so.2100", "python/small-1.0.dist-info/METADATA",
        "python/small/__init__.py", "python/small_too.py",
    ]  # fmt: skip


def test_a_wheelhouse_holds_wheels_and_their_list_and_ends_as_glue_wants_it(wheels):
    wheelhouse = packages.build_wheelhouse(wheels / "built")
    archive = zipfile.ZipFile(wheelhouse.path)
    assert wheelhouse.key.endswith(".gluewheels.zip")
    assert archive.read("wheels/requirements.txt") == b"large==2.0\nsmall==1.0\n"
    assert "wheels/small-1.0-py3-none-any.whl" in archive.namelist()


def test_the_same_wheels_give_the_same_bytes(wheels):
    first, second = (packages.build_layer(wheels / name, 0) for name in ("first", "second"))
    assert first.sha256 == second.sha256
    first, second = (packages.build_wheelhouse(wheels / name) for name in ("first", "second"))
    assert first.sha256 == second.sha256


def test_more_than_lambda_takes_is_refused_with_the_sizes(wheels):
    room = packages.MOST_UNPACKED_BYTES - 1000 - len("Name: small")
    packages.build_layer(wheels / "built", room)
    with pytest.raises(ShoplakeError, match=r"are 262,144,001 bytes unpacked, and Lambda takes 262,144,000"):
        packages.build_layer(wheels / "built", room + 1)


@pytest.mark.parametrize("target", [packages.layer_target(), packages.wheelhouse_target()])
def test_a_lock_names_every_package_with_version_and_hash(target):
    lines = (root() / packages.LOCKS / target.lock).read_text().splitlines()
    assert len(lines) > 20 and all(LINE.fullmatch(line) for line in lines)
    locked = {line.split("==")[0] for line in lines}
    shipped = {pin.split("==")[0] for pin in packages._names(root() / target.constraints[0])}
    wanted = {re.split(r"[\[=]", name)[0] for name in packages._wanted(target)}
    assert wanted <= locked | (shipped if target.extra == "jobs" else set())


def test_the_layer_is_for_the_processor_and_python_that_lake_yaml_names():
    inventory, target = load_inventory(), packages.layer_target()
    assert f"python{target.python}" == inventory.function_runtime
    assert target.processor == {"arm64": "aarch64", "x86_64": "x86_64"}[inventory.function_architecture]


def test_what_glue_ships_is_not_brought_a_second_time():
    lock = (root() / "deploy/packages/wheelhouse.lock").read_text()
    assert not {line.split(" ")[0] for line in lock.splitlines()} & packages._names(
        root() / "deploy/packages/glue-5.1.txt"
    )
    assert "numpy==" not in lock and "pyspark==" not in lock


def imported(folder, scripts) -> set[str]:
    """The top-level names of all that scripts import, also within functions, and that is neither beside them nor
    Python's own."""
    finder = ModuleFinder([str(folder)])
    for script in scripts:
        finder.run_script(str(script))
    return {name.partition(".")[0] for name in finder.badmodules} - sys.stdlib_module_names - {"shoplake", "quality"}


def locked(name: str) -> set[str]:
    """The packages that a lock or a list of constraints names."""
    return {
        line.partition("==")[0] for line in (root() / packages.LOCKS / name).read_text().splitlines() if "==" in line
    }


def providers(module: str) -> set[str]:
    """The packages that a module may come from."""
    return {re.sub(r"[-_.]+", "-", name).lower() for name in packages_distributions()[module]}


@pytest.mark.parametrize("function", sorted(load_inventory().functions))
def test_the_layer_holds_all_that_a_function_imports(function, built, tmp_path):
    with zipfile.ZipFile(built.functions[function].path) as archive:
        archive.extractall(tmp_path)
    names = imported(tmp_path, [tmp_path / "handler.py"])
    assert {"aws_lambda_powertools", "pydantic"} <= names
    assert {name for name in names if not providers(name) & locked("layer.lock")} == set()


def test_glue_and_the_wheelhouse_hold_all_that_jobs_import(built, tmp_path):
    with zipfile.ZipFile(built.wheel.path) as archive:
        archive.extractall(tmp_path)
    names = imported(tmp_path, [script.path for script in built.scripts.values()])
    held = locked("wheelhouse.lock") | locked(f"glue-{load_inventory().glue_version}.txt")
    assert {"great_expectations", "phonenumbers"} <= names
    # Glue itself brings the first two. The last is imported where functions make tables, by calls that no job makes.
    assert {name for name in names if not providers(name) & held} == {"pyspark", "awsglue", "pyiceberg"}
