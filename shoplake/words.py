"""Words for people, in e-mails and on the terminal."""


def counted(number: int, noun: str) -> str:
    """`1 file`, `2,000 files`: a number with its noun, whose plural takes an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
