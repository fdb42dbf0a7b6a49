"""Errors whose message is for a person: one sentence that says what is wrong and what to do."""


class ShoplakeError(Exception):
    """A mistake that the user can mend. The command line prints its message and no traceback."""


class ConfigurationError(ShoplakeError):
    """`lake.yaml`, a contract or a table file is broken. Names the file, the place and the rule."""


class DataError(ShoplakeError):
    """The data itself stops a run: its files are held until they are replayed or discarded."""
