"""Gap: Glue jobs (interface; the body follows)."""


def install() -> None:
    """Hook into the emulator."""


def warm_up(warehouse_bucket: str | None = None) -> None:
    """Start the Spark driver in the background. Returns at once."""


def shut_down() -> None:
    """End the Spark driver."""


def peak_memory_bytes() -> int:
    """Peak resident memory of the Spark driver and its JVM, 0 when none ran."""
    return 0
