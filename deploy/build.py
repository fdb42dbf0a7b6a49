"""`make build`: everything that is deployed, and the list of it that Terraform reads.

`python -m deploy.build TARGET` writes `TARGET/artifacts.json`: for each function, script and shared file its path below
TARGET, its key in the artifacts bucket, and its SHA-256 in base64, by which Terraform sees what has changed. The same
commit gives the same bytes.
"""

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from deploy.packages import build_layer, build_wheelhouse
from shoplake.artifacts import Artifact, Artifacts, build_artifacts
from shoplake.errors import ShoplakeError
from shoplake.root import root

LIST = "artifacts.json"


def build(source_root: Path, target: Path, with_packages: bool = True) -> Path:
    """Build from a checkout into a folder. Returns the list's path. Raises ShoplakeError as its parts do.

    Without packages nothing is downloaded: enough for a plan, not for a deployment.
    """
    artifacts, layer, wheelhouse = build_artifacts(source_root, target), None, None
    if with_packages:
        layer = build_layer(target, max(unpacked_bytes(function.path) for function in artifacts.functions.values()))
        wheelhouse = build_wheelhouse(target)
    path = target / LIST
    path.write_text(json.dumps(listed(artifacts, layer, wheelhouse, target), indent=1) + "\n")
    return path


def unpacked_bytes(archive: Path) -> int:
    """How large a zip is when it is unpacked."""
    with zipfile.ZipFile(archive) as opened:
        return sum(entry.file_size for entry in opened.infolist())


def listed(artifacts: Artifacts, layer: Artifact | None, wheelhouse: Artifact | None, target: Path) -> dict[str, Any]:
    """The list as Terraform reads it."""

    def entry(artifact: Artifact | None) -> dict[str, str] | None:
        if artifact is None:
            return None
        path = artifact.path.relative_to(target).as_posix()
        return {"path": path, "key": artifact.key, "sha256_base64": artifact.lambda_sha256}

    return {
        "functions": {name: entry(artifact) for name, artifact in artifacts.functions.items()},
        "scripts": {name: entry(artifact) for name, artifact in artifacts.scripts.items()},
        "wheel": entry(artifacts.wheel),
        "wheelhouse": entry(wheelhouse),
        "layer": entry(layer),
    }


if __name__ == "__main__":
    try:
        print(build(root(), Path(sys.argv[1])))
    except ShoplakeError as mistake:
        sys.exit(str(mistake))
