"""Read the lake's YAML declarations, with errors that say where the mistake is."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from shoplake.errors import ConfigurationError
from shoplake.root import root


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file. Raises ConfigurationError naming the file and the line."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"{_shown(path)} is missing: expected it at {path}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigurationError(f"{_shown(path)}{where}: not valid YAML ({problem}); mend that line.") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{_shown(path)}: expected `name: value` lines, found {type(content).__name__}.")
    return content


def first_problem(path: Path, error: ValidationError) -> ConfigurationError:
    """The first of pydantic's findings as one sentence that names file, place, value and rule."""
    finding = error.errors()[0]
    place = ".".join(str(part) for part in finding["loc"]) or "the file"
    value = finding.get("input")
    shown = "" if isinstance(value, dict | list) or finding["type"] == "missing" else f" (found {value!r})"
    return ConfigurationError(f"{_shown(path)}: {place}: {finding['msg']}{shown}.")


def _shown(path: Path) -> str:
    """The path as a person finds it in the checkout: two tables' files may have one name."""
    return str(path.relative_to(root())) if path.is_relative_to(root()) else path.name
