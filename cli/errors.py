"""Mistakes in how a command was called."""

from shoplake.errors import ShoplakeError


class Misuse(ShoplakeError):
    """The command was asked for something that doesn't exist or makes no sense: exit code 2."""
