"""The services' state on disk is of one instant, whatever interrupts a save."""

import json

import pytest

from local.saving import SavedState


def at_once(function):
    return function()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "services"


@pytest.fixture
def saved(folder):
    state = SavedState(folder, at_once)
    state.recover()
    return state


def payloads(folder) -> dict[str, dict]:
    return {file.stem: json.loads(file.read_text())["payload"] for file in folder.glob("*.json")}


def services(**states) -> dict:
    return {name: lambda state=state: state for name, state in states.items()}


def test_a_save_writes_each_service_and_leaves_nothing_else(saved, folder):
    saved.save(services(dynamodb={"runs": 1}, glue={"tables": 1}, sqs=None))
    assert payloads(folder) == {"dynamodb": {"runs": 1}, "glue": {"tables": 1}}
    assert sorted(path.name for path in folder.iterdir()) == ["dynamodb.json", "glue.json"]


def test_only_what_changed_is_written_again(saved, folder):
    saved.save(services(dynamodb={"runs": 1}, glue={"tables": 1}))
    (folder / "glue.json").unlink()
    saved.save(services(dynamodb={"runs": 2}, glue={"tables": 1}))
    assert payloads(folder) == {"dynamodb": {"runs": 2}}


def test_a_save_that_was_cut_off_while_writing_is_forgotten(saved, folder):
    saved.save(services(dynamodb={"runs": 1}, glue={"tables": 1}))
    (folder / ".next").mkdir()
    (folder / ".next" / "dynamodb.json").write_text('{"payload": {"runs": ')
    SavedState(folder, at_once).recover()
    assert payloads(folder) == {"dynamodb": {"runs": 1}, "glue": {"tables": 1}}


def test_a_save_that_was_cut_off_while_replacing_is_finished(saved, folder):
    saved.save(services(dynamodb={"runs": 2}, glue={"tables": 1}))
    (folder / ".ready").mkdir()
    (folder / ".ready" / "glue.json").write_text('{"payload": {"tables": 2}}')
    SavedState(folder, at_once).recover()
    assert payloads(folder) == {"dynamodb": {"runs": 2}, "glue": {"tables": 2}}
    assert not (folder / ".ready").exists()


def test_a_full_disk_leaves_the_last_state_whole(saved, folder, monkeypatch):
    saved.save(services(dynamodb={"runs": 1}, glue={"tables": 1}))
    full = OSError(28, "No space left on device")

    def write_text(path, text):
        if path.name == "glue.json":
            raise full

    with monkeypatch.context() as disk, pytest.raises(OSError, match="No space left"):
        disk.setattr("pathlib.Path.write_text", write_text)
        saved.save(services(dynamodb={"runs": 2}, glue={"tables": 2}))
    assert payloads(folder) == {"dynamodb": {"runs": 1}, "glue": {"tables": 1}}
    saved.save(services(dynamodb={"runs": 2}, glue={"tables": 2}))
    assert payloads(folder) == {"dynamodb": {"runs": 2}, "glue": {"tables": 2}}


def test_runs_files_and_tables_are_copied_between_two_requests(folder):
    asked = []
    state = SavedState(folder, lambda function: asked.append(list(function())) or {})
    state.recover()
    state.save(services(sqs={}, glue={}, dynamodb={}))
    assert asked == [["dynamodb", "glue"]]
