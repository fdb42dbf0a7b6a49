"""Replace a named function of the emulator, and fail loudly when it is no longer the one we know.

The gaps hook into internals of one pinned release of MiniStack. An upgrade may rename a function or
change its parameters; `replace` turns that into one clear sentence at start instead of a wrong
answer in the middle of a run.
"""

import inspect
from collections.abc import Callable, Sequence
from importlib.metadata import version
from types import ModuleType

PINNED_VERSION = "1.5.33"


class HookMismatch(RuntimeError):
    """The installed emulator is not the one that the gaps were written for."""


def replace(owner: ModuleType | type, name: str, replacement: Callable, parameters: Sequence[str]) -> Callable:
    """Put `replacement` in the place of `owner.name` and return the stock function.

    `owner` is a module or a class of the emulator; `parameters` are the names that the stock function
    takes, in order. Raises HookMismatch when the release, the function or its parameters differ.
    Replacing a second time is allowed: the replacement is then expected to take the same parameters.
    """
    stock = require(owner, name, parameters)
    setattr(owner, name, replacement)
    return stock


def require(owner: ModuleType | type, name: str, parameters: Sequence[str]) -> Callable:
    """The function `owner.name`, after the checks that `replace` makes; nothing is replaced."""
    installed = version("ministack")
    if installed != PINNED_VERSION:
        raise HookMismatch(
            f"The local lake needs ministack {PINNED_VERSION} but {installed} is installed: "
            f"install the pinned version with pip install ministack=={PINNED_VERSION}."
        )
    where = f"{getattr(owner, '__module__', None) or owner.__name__}.{name}"
    stock = getattr(owner, name, None)
    if not callable(stock):
        raise HookMismatch(f"ministack {installed} has no function {where}, which the local lake replaces.")
    found = list(inspect.signature(stock).parameters)
    if found != list(parameters):
        raise HookMismatch(
            f"{where} of ministack {installed} takes ({', '.join(found)}), "
            f"but the local lake expects ({', '.join(parameters)})."
        )
    return stock
