"""A JSON file: its form, header and source, found in its beginning, and the reader for its records."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shoplake.contracts import Contract, HeaderMatch, fold
from shoplake.staging.json_fields import Fields, decode_object, elements_of, flat_names, is_object
from shoplake.staging.json_form import Form, bound_to_form, find_form
from shoplake.staging.json_records import MAX_NAMES, decode_records
from shoplake.staging.model import Problem, Refused
from shoplake.staging.text import SAMPLE_BYTES, Text

_SHOWN_NAMES = 20
_SAMPLE_ELEMENTS = 1000  # of an array to explode


@dataclass(frozen=True)
class JsonHeader:
    """What the beginning of a JSON file says of all of it."""

    form: Form
    names: list[str]  # of all fields, those of nested objects by their path
    contract: Contract  # bound to the file's source
    match: HeaderMatch


def find_json_header(text: Text, contract: Contract, max_record_bytes: int) -> JsonHeader:
    """The form and the header of a JSON file. Raises Refused where it is no JSON.

    Looks at the sample, and further only until there is one whole record or one that is too long.
    """
    while True:
        form = find_form(text.sample, text.is_whole, contract)
        sample = form.sample(text.sample, text.is_whole, max_record_bytes)
        objects, _ = decode_records(sample)
        if objects or text.is_whole or len(text.sample) > max_record_bytes + SAMPLE_BYTES:
            break
        text.look_further()
    contract = bound_to_form(contract, form)
    names = _names([fields for _, _, fields in objects], contract)
    source = contract.match_header(_once(names)).source
    contract = contract.bound_to(source.name)
    if source.explode:
        names = _names(list(_exploded([fields for _, _, fields in objects], source.explode)), contract) or names
    return JsonHeader(form, names, contract, contract.match_header(_once(names)))


def refuse_unusable(header: JsonHeader) -> None:
    """Raise Refused when the records lack a required column."""
    match, dataset = header.match, header.contract.dataset
    if not match.missing or not header.names:
        return
    wanted = "; ".join(_with_other_names(header.contract, column) for column in match.missing)
    noun = "column" if len(match.missing) == 1 else "columns"
    shown = ", ".join(f"`{name}`" for name in header.names[:_SHOWN_NAMES])
    more = f" and {len(header.names) - _SHOWN_NAMES:,} more" if len(header.names) > _SHOWN_NAMES else ""
    raise Refused(
        "missing_column",
        f"lacks the required {noun} {wanted} of {dataset}; its records have the fields {shown}{more}. "
        f"Add or rename the {noun} and drop the file again.",
        tuple(Problem.of(None, column, ", ".join(header.names), "missing_column") for column in match.missing),
    )


def _with_other_names(contract: Contract, column: str) -> str:
    others = [name for name in contract.accepted_names(column) if name != column]
    return f"{column} (also accepted as {', '.join(others)})" if others else column


def _names(records: Iterable[Fields], contract: Contract) -> list[str]:
    """The names of all fields of some records, in the order of their appearance."""
    kept_whole = {fold(column.name) for column in contract.columns}
    names: dict[str, None] = {}
    for fields in records:
        names |= dict.fromkeys(flat_names(fields, kept_whole, MAX_NAMES))
        if len(names) > MAX_NAMES:
            break
    return list(names)[:MAX_NAMES]


def _once(names: list[str]) -> list[str]:
    """Names of which no two are the same to a contract; two spellings in two records are no ambiguity."""
    return list({fold(name): name for name in reversed(names)}.values())[::-1]


def _exploded(records: Iterable[Fields], name: str) -> Iterator[Fields]:
    """What the first elements of each record's array become."""
    for fields in records:
        for element in (elements_of(fields, name) or [])[:_SAMPLE_ELEMENTS]:
            if is_object(element):
                yield {field: value for field, value in fields.items() if field != name} | decode_object(element)
