"""checkov finds nothing that is not skipped inline, each skip with its reason."""

import json
import os
import re
import subprocess

import pytest

from tests.terraform.workspace import ROOT

CHECKOV = ROOT / ".tools/checkov/bin/checkov"


@pytest.mark.skipif(not os.access(CHECKOV, os.X_OK), reason="no checkov: `make tools` gets it")
def test_all_files_are_read_and_no_check_fails(workspace):
    command = [CHECKOV, "--directory", ".", "--framework", "terraform", "--compact", "--quiet", "--output", "json"]
    command += ["--skip-path", "/tests/", "--skip-download"]
    failed, passed = [], 0
    for place in ("modules", "terraform"):
        answer = subprocess.run(command, cwd=workspace.folder / place, capture_output=True, text=True)
        report = json.loads(answer.stdout)
        assert report["summary"]["parsing_errors"] == 0 and report["results"].get("parsing_errors", []) == []
        passed += report["summary"]["passed"]
        failed += [f"{c['check_id']} {c['resource']}: {c['check_name']}" for c in report["results"]["failed_checks"]]
    assert failed == []
    assert passed > 100


def test_every_skip_gives_its_reason():
    skips = [
        (path, line)
        for path in [*(ROOT / "modules").rglob("*.tf"), *(ROOT / "terraform").rglob("*.tf")]
        for line in path.read_text().splitlines()
        if "checkov:skip" in line
    ]
    assert len(skips) > 10
    for path, line in skips:
        assert re.search(r"#checkov:skip=CKV2?_AWS_\d+:.{8,}", line), f"{path}: {line}"
