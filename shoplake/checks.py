"""What `shoplake doctor` finds: one thing looked at, whether it is as it should be, and what to do where it isn't."""

from dataclasses import dataclass

OK, WARNING, PROBLEM = "ok", "warning", "problem"


@dataclass(frozen=True)
class Check:
    """`found` says what is there; `advice` what to do, empty where all is well. A PROBLEM stops the lake."""

    name: str
    state: str
    found: str
    advice: str = ""
