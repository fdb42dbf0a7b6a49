"""What buyers say of what they got, some days after the delivery."""

from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa

from generator import assumptions, vocabulary
from generator.catalogue import Catalogue
from generator.customers import customer_ids
from generator.demand import DAY_S, Slice
from generator.draws import generator, pick, pick_from, trait
from generator.orders import COMPLETED, Lines
from generator.text import chosen, csv_cells, day_names, instants, joined, number, strings

_RATINGS = np.array(list(assumptions.RATINGS))
_BORN_BAD = 0.1  # of products are bad: their ratings are those of the lower half


@dataclass(frozen=True)
class Reviews:
    """One entry of each array a review; day, number and line are those of the order."""

    order_day: np.ndarray
    order: np.ndarray
    line_number: np.ndarray
    product: np.ndarray
    customer: np.ndarray
    reviewed_at: np.ndarray

    @classmethod
    def together(cls, pieces: list["Reviews"]) -> "Reviews":
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in pieces]) for f in fields(cls)})


def reviews(seed: int, lines: Lines, within: Slice) -> dict[int, Reviews]:
    """Reviews of the slice's completed orders by known customers, by the day on which they are written."""
    rng = generator(seed, "reviews", within.day, within.number)
    delivery = rng.integers(*assumptions.DELIVERY_DAYS, len(lines), endpoint=True)
    later = rng.integers(*assumptions.REVIEW_DAYS, len(lines), endpoint=True)
    second = rng.integers(7 * 3600, 23 * 3600, len(lines))
    is_reviewed = (rng.random(len(lines)) < assumptions.REVIEWED_LINES) & (lines.status == COMPLETED)
    is_reviewed &= lines.customer >= 0
    due = within.day + delivery + later
    found = {}
    for day in np.unique(due[is_reviewed]):
        which = is_reviewed & (due == day)
        found[int(day)] = Reviews(
            lines.order_day[which],
            lines.order[which],
            lines.line_number[which],
            lines.product[which],
            lines.customer[which],
            within.day_start + (day - within.day) * DAY_S + second[which],
        )
    return found


def csv_columns(catalogue: Catalogue, found: Reviews) -> dict[str, pa.StringArray]:
    """The reviews' records, as text. All are by buyers, so all are verified."""
    seed = catalogue.options.seed
    ids = (found.order_day // DAY_S * 10**9 + found.order) * 100 + found.line_number
    rating = _RATINGS[pick(assumptions.RATINGS, trait(seed, "rating", ids))]
    is_bad = trait(seed, "bad product", found.product) < _BORN_BAD
    rating = np.where(is_bad, np.maximum(rating - 2, 1), rating)
    u = trait(seed, "review", ids)
    openings = [pick_from(vocabulary.REVIEW_OPENINGS[r], np.array([x]))[0] for r, x in zip(rating, u, strict=True)]
    endings = pick_from(vocabulary.REVIEW_ENDINGS, trait(seed, "ending", ids))
    titles = [pick_from(vocabulary.REVIEW_TITLES[r], np.array([x]))[0] for r, x in zip(rating, u, strict=True)]
    days = day_names(found.order_day, "%Y%m%d")
    return {
        "review_id": joined("R", days, "-", number(found.order, 6), "-", number(found.line_number)),
        "product_id": chosen(catalogue.ids, found.product),
        "customer_id": customer_ids(found.customer),
        "rating": number(rating),
        "title": csv_cells(strings(titles)),
        "text": csv_cells(strings([a + b for a, b in zip(openings, endings, strict=True)])),
        "reviewed_at": instants(found.reviewed_at),
        "verified": chosen(strings(["true"]), np.zeros(len(rating), np.int8)),
        "helpful_votes": number((trait(seed, "votes", ids) ** 4 * 30).astype(np.int64)),
    }
