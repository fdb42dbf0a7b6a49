"""`make build`: everything that is deployed, and the list of it that Terraform reads.

`python -m shoplake.build TARGET` writes `TARGET/artifacts.json`: for each function, script and shared file its path
below TARGET, its key in the artifacts bucket, and its SHA-256 in base64, by which Terraform sees what has changed.
"""

import json
import sys
from pathlib import Path
from typing import Any

from shoplake.artifacts import Artifact, Artifacts, build_artifacts
from shoplake.errors import ShoplakeError
from shoplake.root import root

LIST = "artifacts.json"


def build(source_root: Path, target: Path) -> Path:
    """Build from a checkout into a folder. Returns the list's path. Raises ConfigurationError as its parts do."""
    path = target / LIST
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(listed(build_artifacts(source_root, target), target), indent=1) + "\n")
    return path


def listed(artifacts: Artifacts, target: Path) -> dict[str, Any]:
    """The list as Terraform reads it."""

    def entry(artifact: Artifact) -> dict[str, str]:
        path = artifact.path.relative_to(target).as_posix()
        return {"path": path, "key": artifact.key, "sha256_base64": artifact.lambda_sha256}

    return {
        "functions": {name: entry(artifact) for name, artifact in artifacts.functions.items()},
        "scripts": {name: entry(artifact) for name, artifact in artifacts.scripts.items()},
        "wheel": entry(artifacts.wheel),
        "wheelhouse": None,
        "layer": None,
    }


if __name__ == "__main__":
    try:
        print(build(root(), Path(sys.argv[1])))
    except ShoplakeError as mistake:
        sys.exit(str(mistake))
