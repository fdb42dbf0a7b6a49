"""A JSON file: its form, header and source, found in its beginning, and the reader for its records."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shoplake.contracts import Contract, HeaderMatch, fold
from shoplake.staging.columns import match_names
from shoplake.staging.json_fields import Fields, decode_object, elements_of, flat_names, is_object
from shoplake.staging.json_form import Form, bound_to_form, find_form
from shoplake.staging.json_records import MAX_NAMES, decode_records
from shoplake.staging.text import SAMPLE_BYTES, Text

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
        if objects.texts or text.is_whole or len(text.sample) > max_record_bytes + SAMPLE_BYTES:
            break
        text.look_further()
    contract = bound_to_form(contract, form)
    names = _names(objects.fields, contract)
    source = match_names(names, contract).source
    contract = contract.bound_to(source.name)
    if source.explode:
        names = _names(list(_exploded(objects.fields, source.explode)), contract) or names
    return JsonHeader(form, names, contract, match_names(names, contract))


def _names(records: Iterable[Fields], contract: Contract) -> list[str]:
    """The names of all fields of some records, in the order of their appearance."""
    kept_whole = {fold(column.name) for column in contract.columns}
    names: dict[str, None] = {}
    for fields in records:
        names |= dict.fromkeys(flat_names(fields, kept_whole, MAX_NAMES))
        if len(names) > MAX_NAMES:
            break
    return list(names)[:MAX_NAMES]


def _exploded(records: Iterable[Fields], name: str) -> Iterator[Fields]:
    """What the first elements of each record's array become."""
    for fields in records:
        for element in (elements_of(fields, name) or [])[:_SAMPLE_ELEMENTS]:
            if is_object(element):
                yield {field: value for field, value in fields.items() if field != name} | decode_object(element)
