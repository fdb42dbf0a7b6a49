"""What the names of a JSON or Parquet file's fields say, once they are known."""

from collections.abc import Sequence

from shoplake.contracts import Contract, HeaderMatch, fold
from shoplake.staging.model import Problem, Refused

_SHOWN_NAMES = 20


def match_names(names: Sequence[str], contract: Contract) -> HeaderMatch:
    """The source and the columns. Two spellings in two records are no ambiguity: the first one counts."""
    once: dict[str, str] = {}
    for name in names:
        once.setdefault(fold(name), name)
    return contract.match_header(list(once.values()))


def refuse_missing(names: Sequence[str], match: HeaderMatch, contract: Contract) -> None:
    """Raise Refused when the records lack a required column."""
    if not match.missing:
        return
    wanted = "; ".join(_with_other_names(contract, column) for column in match.missing)
    noun = "column" if len(match.missing) == 1 else "columns"
    shown = ", ".join(f"`{name}`" for name in names[:_SHOWN_NAMES]) or "none"
    more = f" and {len(names) - _SHOWN_NAMES:,} more" if len(names) > _SHOWN_NAMES else ""
    raise Refused(
        "missing_column",
        f"lacks the required {noun} {wanted} of {contract.dataset}; its records have the fields {shown}{more}. "
        f"Add or rename the {noun} and drop the file again.",
        tuple(Problem.of(None, column, ", ".join(names), "missing_column") for column in match.missing),
    )


def _with_other_names(contract: Contract, column: str) -> str:
    others = [name for name in contract.accepted_names(column) if name != column]
    return f"{column} (also accepted as {', '.join(others)})" if others else column
