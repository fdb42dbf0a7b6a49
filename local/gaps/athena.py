"""Gap: Athena (interface; the body follows)."""


def install() -> None:
    """Hook into the emulator."""
