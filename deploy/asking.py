"""What `make deploy` and `make destroy` say to a person, and ask."""

import os
import sys

from shoplake.errors import ShoplakeError


def tell(sentence: str) -> None:
    """One line, at once."""
    print(sentence, flush=True)


def ask(question: str, otherwise: str = "Nothing was changed.") -> None:
    """Raises ShoplakeError, which says what is so `otherwise`, unless a person, or AUTO_APPROVE=1, says yes."""
    if os.environ.get("AUTO_APPROVE") == "1":
        return
    if not sys.stdin.isatty():
        raise ShoplakeError(f"{question} Nobody is there to answer: set AUTO_APPROVE=1 to say yes.")
    if _answer(f"{question} Type yes: ") != "yes":
        raise ShoplakeError(otherwise)


def ask_for_name(name: str, warning: str) -> None:
    """Raises ShoplakeError unless a person types the name; AUTO_APPROVE doesn't."""
    if not sys.stdin.isatty() or _answer(f"{warning} Type {name} to go on: ") != name:
        raise ShoplakeError(f"{warning} Nothing was changed: a person must type {name}.")


def _answer(question: str) -> str:
    """Empty where the person closes the input instead."""
    try:
        return input(question).strip()
    except EOFError:
        print()
        return ""
