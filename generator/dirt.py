"""Which dirt each dataset gets, on which days, and a day's files with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pyarrow as pa

from generator import writing
from generator.defects import AnyDefect, Defect, RepeatedLine, StructuralDefect, UnknownKey, plant
from generator.draws import generator
from generator.forms import CsvForm, Form, JsonForm, csv_forms, json_forms
from generator.options import Options
from generator.writing import LATE, REFUSED_FILES, Parts, Tree, folder

FILES_PER_LINE = 20
"""A dirt of 2% is 2% of lines, and 40% of a dataset's days have a file in another form and one file too many."""
LATE_SHARE = 0.1  # of a day's lines, on a day with a late file
_SAMPLE_LINES = 5
Records = Mapping[str, pa.StringArray] | pa.StringArray


@dataclass(frozen=True)
class Kind:
    """What a dataset's files are, and what can be wrong with them. `key` names its rows."""

    key: str
    plain: Form
    forms: tuple[Form, ...]
    defects: tuple[AnyDefect, ...]
    extras: tuple[str, ...] = ()


def _csv(names: str, synonyms: Mapping[str, str], defects: tuple, extras: tuple[str, ...]) -> Kind:
    plain = CsvForm(names={name: name for name in names.split(",")})
    forms = csv_forms(plain, synonyms, {"gift_wrap": "none"})
    return Kind(names.split(",")[0], plain, forms, defects, extras)


TRANSACTIONS = _csv(
    "order_id,line_number,product_id,product_name,quantity,unit_price,discount_amount,tax_amount,shipping_amount,"
    "currency,ordered_at,customer_id,country,payment_method,channel,status,updated_at",
    {"order_id": "Order No", "product_id": "SKU", "quantity": "qty", "unit_price": "price", "ordered_at": "order_date"},
    (
        StructuralDefect("torn_line", "ragged_row"),
        StructuralDefect("too_many_cells", "ragged_row"),
        StructuralDefect("nul_character", "nul_character"),
        Defect("missing_order_id", "order_id", "", "missing"),
        Defect("missing_line_number", "line_number", "", "missing"),
        Defect("missing_product_id", "product_id", "", "missing"),
        Defect("missing_quantity", "quantity", "", "missing"),
        Defect("missing_price", "unit_price", "", "missing"),
        Defect("missing_time", "ordered_at", "", "missing"),
        Defect("quantity_in_words", "quantity", "many", "not_an_integer"),
        Defect("quantity_with_fraction", "quantity", "2.5", "not_an_integer"),
        Defect("quantity_beyond_int", "quantity", "3000000000", "not_an_integer"),
        Defect("price_in_words", "unit_price", "N/A", "not_a_number"),
        Defect("negative_price", "unit_price", "-4.99", "below_minimum"),
        Defect("impossible_date", "ordered_at", "2025-02-30T10:00:00Z", "not_a_time"),
        Defect("date_in_words", "ordered_at", "yesterday", "not_a_time"),
        Defect("future_date", "ordered_at", "2099-01-01T00:00:00Z", "after_arrival"),
        Defect("foreign_currency", "currency", "EUR", "no_exchange_rate"),
        Defect("unknown_status", "status", "lost", "unknown_value"),
        RepeatedLine(),
        UnknownKey("unknown_product", "product_id", "P99999"),
        UnknownKey("unknown_customer", "customer_id", "C9999999"),
    ),
    ("late_file", "duplicate_file", *REFUSED_FILES),
)
REVIEWS = _csv(
    "review_id,product_id,customer_id,rating,title,text,reviewed_at,verified,helpful_votes",
    {"rating": "stars", "reviewed_at": "review_date"},
    (
        StructuralDefect("torn_line", "ragged_row"),
        Defect("missing_product_id", "product_id", "", "missing"),
        Defect("rating_in_words", "rating", "five", "not_an_integer"),
        RepeatedLine(),
        UnknownKey("unknown_product", "product_id", "P99999"),
    ),
    ("late_file", "duplicate_file"),
)
CUSTOMERS = _csv(
    "customer_id,name,email,phone,country,signed_up_at,marketing_consent",
    {},
    (
        StructuralDefect("torn_line", "ragged_row", is_of_a_person=True),
        Defect("missing_customer_id", "customer_id", "", "missing"),
        RepeatedLine(),
    ),
    ("late_file", "duplicate_file"),
)
PRODUCTS = Kind(
    "product_id",
    JsonForm(),
    json_forms(JsonForm(), {"product_id": "sku", "name": "title", "stock_quantity": "on_hand"}, {"colour_code": 7}),
    (
        StructuralDefect("torn_line", "torn_json"),
        Defect("missing_product_id", "product_id", None, "missing"),
        Defect("negative_price", "price", -4.99, "below_minimum"),
        Defect("price_in_words", "price", "N/A", "not_a_number"),
        RepeatedLine(),
    ),
    ("late_file", "duplicate_file"),
)
CLICKSTREAM = Kind(
    "event_id",
    JsonForm(),
    json_forms(JsonForm(), {"event_time": "timestamp", "event_type": "action"}, {"app_version": "4.2"}),
    (
        StructuralDefect("torn_line", "torn_json", is_of_a_person=True),
        Defect("missing_time", "event_time", None, "missing"),
        Defect("date_in_words", "event_time", "yesterday", "not_a_time"),
        RepeatedLine(),
        UnknownKey("unknown_product", "product_id", "P99999"),
    ),
    ("late_file", "duplicate_file"),
)
KINDS = {
    "transactions": TRANSACTIONS, "products": PRODUCTS, "clickstream": CLICKSTREAM, "reviews": REVIEWS,
    "customers": CUSTOMERS,
}  # fmt: skip
"""Categories are one clean file."""


@dataclass(frozen=True)
class DirtPlan:
    """A dataset's days that have a file in another form, and those that have one too many."""

    dataset: str
    kind: Kind
    forms: Mapping[int, Form]
    extras: Mapping[int, str]
    defects: Iterator[AnyDefect]  # one after the other, from the first day's first line to the last day's last
    share: float

    @classmethod
    def of(cls, options: Options, dataset: str) -> "DirtPlan":
        kind, rng = KINDS[dataset], generator(options.seed, f"files of {dataset}")
        count = min(options.days, int(np.ceil(options.days * options.dirt * FILES_PER_LINE)))
        forms, extras = (
            dict(zip(rng.permutation(options.days)[:count].tolist(), _in_turn(rng, choice), strict=False))
            for choice in (kind.forms, kind.extras)
        )
        defects = _in_turn(rng, kind.defects)
        return cls(dataset, kind, forms, extras, defects, options.dirt if kind.defects else 0)


def _in_turn(rng: np.random.Generator, choice: tuple) -> Iterator:
    """Each of them once, in some order, and so on for ever."""
    return cycle([choice[n] for n in rng.permutation(len(choice))])


class DayFiles:
    """A dataset's files of one day, its dirt included."""

    def __init__(self, tree: Tree, options: Options, plan: DirtPlan, day: int):
        self._tree, self._plan = tree, plan
        self._rng = generator(options.seed, f"lines of {plan.dataset}", day)
        self._form = plan.forms.get(day, plan.kind.plain)
        self._extra = plan.extras.get(day)
        self._place = folder(plan.dataset, options.day(day).isoformat())
        stem, late = f"{self._place}/{plan.dataset}", f"{LATE}/{self._place}/{plan.dataset}-late"
        self._files = Parts(tree, plan.dataset, stem, self._form, options.part_mb * 1_000_000)
        self._late = Parts(tree, plan.dataset, late, plan.kind.plain, options.part_mb * 1_000_000)
        self._sample: pa.StringArray | None = None  # the day's first lines

    def write(self, records: Records) -> None:
        """Add records: the columns of a CSV as text, or lines of JSON."""
        plan, plain = self._plan, self._plan.kind.plain
        if self._sample is None:
            self._sample = plain.lines(_stretch(records, 0, _SAMPLE_LINES))
        if self._extra == "late_file":
            count = len(records) if isinstance(records, pa.StringArray) else len(records[plan.kind.key])
            first_late = count - int(np.ceil(count * LATE_SHARE))
            self._late.write(plain.lines(_stretch(records, first_late, count)), [])
            records = _stretch(records, 0, first_late)
        lines = self._form.lines(records)
        self._files.write(*plant(self._rng, lines, self._form, plan.kind.key, plan.defects, plan.share))

    def close(self) -> None:
        """End the files, and add the one too many."""
        self._files.close()
        self._late.close()
        if self._extra == "late_file":
            for name in self._late.written:
                self._tree.tell(name, None, "late_file", {"verdict": "accepted"})
        elif self._extra == "duplicate_file" and self._files.written:
            writing.copy(self._tree, self._plan.dataset, self._files.written[-1])
        elif self._extra in REFUSED_FILES and self._sample is not None:
            plain = self._plan.kind.plain
            sample = plain.encode(pa.concat_arrays([pa.array([plain.header]), self._sample]))
            writing.refused_file(self._tree, self._plan.dataset, self._place, self._extra, bytes(sample))


def _stretch(records: Records, first: int, last: int) -> Records:
    """Some consecutive records."""
    if isinstance(records, pa.StringArray):
        return records[first:last]
    return {name: column[first:last] for name, column in records.items()}
