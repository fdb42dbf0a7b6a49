"""Visits counted a second time, in plain Python over the raw files: shares no code with the jobs.

The rules, as the lake promises them: an event counts once by its id; robots don't count; a visitor's pause of more than
30 minutes begins a new session; a visitor is the visitor's id, else the customer's, else the source's session.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
PAUSE = timedelta(minutes=30)
PAGES = ("page_view", "product_view", "search")
OTTO = {"clicks": "product_view", "carts": "add_to_cart", "orders": "purchase"}
CHANNELS = {"email": "email", "cpc": "paid_search", "paid_social": "paid_social"}  # of the generated shop's media


@dataclass(frozen=True)
class Event:
    """One event of a person."""

    visitor: str
    at: datetime
    event_id: str
    kind: str
    page: str | None = None
    referrer: str | None = None
    source: str | None = None
    medium: str | None = None
    device: str | None = None
    value: Decimal | None = None
    customer: str | None = None
    product: str | None = None


@dataclass(frozen=True)
class Session:
    """A visit: its events in order of time."""

    events: tuple[Event, ...]

    @property
    def visitor(self) -> str:
        return self.events[0].visitor

    @property
    def started_at(self) -> datetime:
        return self.events[0].at

    @property
    def ended_at(self) -> datetime:
        return self.events[-1].at

    @property
    def day(self) -> date:
        return self.started_at.astimezone(LONDON).date()

    def count(self, *kinds: str) -> int:
        return sum(event.kind in kinds for event in self.events)

    @property
    def revenue(self) -> Decimal:
        return sum((e.value for e in self.events if e.kind == "purchase" and e.value is not None), Decimal(0))

    @property
    def is_engaged(self) -> bool:
        lasted = self.ended_at - self.started_at
        return lasted > timedelta(seconds=10) or self.count(*PAGES) >= 2 or self.count("purchase") > 0

    @property
    def channel(self) -> str:
        """By the campaign's medium, else by who led here: a search engine, another site, nobody.

        On a page whose address names no host any site but a search engine may be the shop itself.
        """
        first = self.events[0]
        if first.medium or first.source:
            return CHANNELS.get(first.medium, "other")
        host, own = (urlsplit(address or "").hostname for address in (first.referrer, first.page))
        if host is None or host == own:
            return "direct"
        if ".google." in f".{host}":
            return "organic_search"
        return "referral" if own else "direct"

    @property
    def customer(self) -> str | None:
        """Who the visitor was last known as."""
        return next((event.customer for event in reversed(self.events) if event.customer), None)

    @property
    def device(self) -> str:
        return self.events[0].device or "(unknown)"

    @property
    def figures(self) -> tuple:
        """What processed.sessions says of it: visitor, start, end, day; events, page views, product views, carts,
        checkouts, purchases, revenue; landing and exit page; device, channel; bounce, engaged, converted.
        """
        pages = [event.page for event in self.events if event.page]
        kinds = (PAGES, ("product_view",), ("add_to_cart",), ("checkout_start",), ("purchase",))
        counts = tuple(self.count(*names) for names in kinds)
        return (
            self.visitor, self.started_at, self.ended_at, self.day, len(self.events), *counts, self.revenue,
            pages[0] if pages else None, pages[-1] if pages else None, self.device, self.channel,
            counts[0] == 1 and not self.is_engaged, self.is_engaged, counts[4] > 0,
        )  # fmt: skip


def sessions(events: Iterable[Event]) -> list[Session]:
    """The visits of some events, which may come in any order."""
    by_visitor: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_visitor[event.visitor].append(event)
    return [session for own in by_visitor.values() for session in _cut(sorted(own, key=lambda e: (e.at, e.event_id)))]


def _cut(events: list[Event]) -> Iterator[Session]:
    begun: list[Event] = []
    for event in events:
        if begun and event.at - begun[-1].at > PAUSE:
            yield Session(tuple(begun))
            begun = []
        begun.append(event)
    yield Session(tuple(begun))


def hours(visits: Iterable[Session]) -> set[tuple]:
    """Hour, day, sessions, visitors, events, page views, conversions, revenue."""
    found: dict[tuple, list[Session]] = defaultdict(list)
    for visit in visits:
        found[visit.started_at.replace(minute=0, second=0, microsecond=0), visit.day].append(visit)
    return {
        (*key, len(group), len({v.visitor for v in group}), sum(len(v.events) for v in group),
         sum(v.count(*PAGES) for v in group), sum(v.count("purchase") > 0 for v in group),
         sum((v.revenue for v in group), Decimal(0)))
        for key, group in found.items()
    }  # fmt: skip


def funnel(visits: Iterable[Session]) -> set[tuple]:
    """Day, channel, device, sessions, and those that got to a product view, cart, checkout, purchase, or further."""
    steps = ("product_view", "add_to_cart", "checkout_start", "purchase")
    found: dict[tuple, list[Session]] = defaultdict(list)
    for visit in visits:
        found[visit.day, visit.channel, visit.device].append(visit)
    return {
        (*key, len(group), *(sum(v.count(*steps[number:]) > 0 for v in group) for number in range(4)))
        for key, group in found.items()
    }


def read_shop(folder: Path) -> list[Event]:
    """Every event of a person in a generated shop's click files, each once; lines that are none are left out."""
    found = {}
    for row in read_rows(folder):
        event = _of_shop(row)
        if event is not None:
            found[event.event_id] = event
    return list(found.values())


def read_rows(folder: Path) -> Iterator[dict]:
    """Every record of a generated shop's click files as it is there; lines that are none are left out."""
    for path in sorted(folder.rglob("clickstream*.json*")):
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
        for line in text.splitlines():
            with suppress(ValueError):
                yield json.loads(line)


def _of_shop(said: dict) -> Event | None:
    try:
        at = datetime.fromisoformat(said.get("event_time") or said.get("timestamp"))
    except (ValueError, TypeError):
        return None
    if "bot" in said["user_agent"].lower():
        return None
    return Event(
        said["visitor_id"], at, said["event_id"], said.get("event_type") or said["action"], said["page_url"],
        said["referrer"], said["utm_source"], said["utm_medium"], said["device"],
        None if said["value"] is None else Decimal(str(said["value"])), said["customer_id"], said["product_id"],
    )  # fmt: skip


def read_otto(file: Path) -> list[Event]:
    """Every event of OTTO's file. They have no ids; two at one instant are told apart by their place."""
    events = []
    for line in file.read_text().splitlines():
        session = json.loads(line)
        for event in session["events"]:
            at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=event["ts"])
            events.append(
                Event(str(session["session"]), at, f"{len(events):09}", OTTO[event["type"]], product=str(event["aid"]))
            )
    return events
