"""Customers and reviews a second time, in plain Python over the raw CSV files: shares no code with the jobs.

The rules: values are trimmed and an empty one is no value; e-mail addresses are in lower letters and British numbers
begin with +44, then both are replaced by their HMAC-SHA-256; of a name each word's first letter is left; texts lose the
tags of HTML, its entities become characters; a review without a date has its file's day.
"""

import csv
import hashlib
import hmac
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path


@dataclass(frozen=True)
class Customer:
    """A customer as the lake should have them. `signed_up_at` is a UTC instant."""

    customer_id: str
    email: str | None
    phone: str | None
    name: str | None
    country: str | None
    signed_up_at: datetime
    marketing_consent: bool


@dataclass(frozen=True)
class Review:
    """A review as the lake should have it; `review_id` is None where the lake makes one up."""

    review_id: str | None
    product_id: str
    customer_id: str | None
    rating: int
    title: str | None
    text: str | None
    text_length: int
    helpful_votes: int
    reviewed_day: date


def customers(tree: Path, key: bytes) -> set[Customer]:
    """The customers of a generated shop's clean files. All its numbers are British."""
    return {
        Customer(
            customer_id=row["customer_id"],
            email=_hash(key, row["email"].lower()),
            phone=_hash(key, re.sub(r"^0", "+44", row["phone"].replace(" ", ""))),
            name=" ".join(f"{word[0]}***" for word in row["name"].split()) or None,
            country=row["country"] or None,
            signed_up_at=datetime.fromisoformat(row["signed_up_at"]),
            marketing_consent=row["marketing_consent"] == "true",
        )
        for row in _rows(tree, "customers")
    }


def personal_values(tree: Path) -> list[tuple[str, ...]]:
    """What is personal of each customer of the shop, as its files have it."""
    return [(row["name"], row["email"], row["phone"]) for row in _rows(tree, "customers")]


def reviews(tree: Path) -> set[Review]:
    """The reviews of a generated shop's clean files, in January, when London's days are UTC's."""
    return {
        _review(row["text"], row["title"], row["review_id"], row["product_id"], row["customer_id"], row["rating"],
                row["helpful_votes"], datetime.fromisoformat(row["reviewed_at"]).date())
        for row in _rows(tree, "reviews")
    }  # fmt: skip


def clothing_reviews(file: Path, day: date) -> list[Review]:
    """The reviews of clothes of a file that was dropped under a day, in their order."""
    with file.open(newline="", encoding="utf-8") as text:
        return [
            _review(row["Review Text"], row["Title"], None, row["Clothing ID"], "", row["Rating"],
                    row["Positive Feedback Count"], day)
            for row in csv.DictReader(text)
        ]  # fmt: skip


def _review(text, title, review_id, product_id, customer_id, rating, votes, day) -> Review:
    plain = _plain(text)
    return Review(review_id, product_id, customer_id or None, int(rating), _plain(title), plain, len(plain or ""),
                  int(votes), day)  # fmt: skip


def _plain(text: str) -> str | None:
    without_tags = re.sub(r"</?[A-Za-z][^<>]*>", " ", text.replace("\u00a0", " "))
    lines = html.unescape(without_tags).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in "\n\t" or not (ord(c) < 32 or 127 <= ord(c) < 160)).strip() or None


def _hash(key: bytes, text: str) -> str | None:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest() if text else None


def _rows(tree: Path, dataset: str) -> Iterator[dict[str, str]]:
    for file in sorted(tree.glob(f"{dataset}/*/*/*.csv")):
        with file.open(newline="", encoding="utf-8") as text:
            yield from csv.DictReader(text)
