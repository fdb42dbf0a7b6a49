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
    """One event."""

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
    country: str | None = None
    campaign: str | None = None
    is_robot: bool = False

    @property
    def day(self) -> date:
        return self.at.astimezone(LONDON).date()

    @property
    def figures(self) -> tuple:
        """What processed.events says of it: id, time, day, type, visitor, customer, page, product, referrer; the
        campaign's source, medium and name; device, country, value; is a robot's.
        """
        return (self.event_id, self.at, self.day, self.kind, self.visitor, self.customer, self.page, self.product,
                self.referrer, self.source, self.medium, self.campaign, self.device, self.country, self.value,
                self.is_robot)  # fmt: skip


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
        return self.lasted > timedelta(seconds=10) or self.count(*PAGES) >= 2 or self.count("purchase") > 0

    @property
    def traffic(self) -> tuple[str, str, str]:
        """Source, medium and channel: the campaign's, else by who led here: a search engine, another site, nobody.

        On a page whose address names no host any site but a search engine may be the shop itself.
        """
        first = self.events[0]
        if first.medium or first.source:
            return first.source or "(direct)", first.medium or "(not set)", CHANNELS.get(first.medium, "other")
        host, own = (urlsplit(address or "").hostname for address in (first.referrer, first.page))
        is_search = ".google." in f".{host}"
        if host is None or host == own or (own is None and not is_search):
            return "(direct)", "(none)", "direct"
        return host.removeprefix("www."), *(("organic", "organic_search") if is_search else ("referral", "referral"))

    @property
    def channel(self) -> str:
        return self.traffic[2]

    @property
    def lasted(self) -> timedelta:
        return self.ended_at - self.started_at

    @property
    def is_bounce(self) -> bool:
        return self.count(*PAGES) == 1 and not self.is_engaged

    @property
    def customer(self) -> str | None:
        """Who the visitor was last known as."""
        return next((event.customer for event in reversed(self.events) if event.customer), None)

    @property
    def device(self) -> str:
        return self.events[0].device or "(unknown)"

    @property
    def figures(self) -> tuple:
        """What processed.sessions says of it: visitor, customer, start, end, day, seconds; events, page views, product
        views, carts, checkouts, purchases, revenue; landing and exit page; device, country; source, medium, channel,
        campaign; bounce, engaged, converted, overlong.
        """
        pages = [event.page for event in self.events if event.page]
        kinds = (PAGES, ("product_view",), ("add_to_cart",), ("checkout_start",), ("purchase",))
        counts = tuple(self.count(*names) for names in kinds)
        return (
            self.visitor, self.customer, self.started_at, self.ended_at, self.day, self.lasted.total_seconds(),
            len(self.events), *counts, self.revenue, pages[0] if pages else None, pages[-1] if pages else None,
            self.device, self.events[0].country or "(unknown)", *self.traffic, self.events[0].campaign,
            self.is_bounce, self.is_engaged, counts[4] > 0, self.lasted > timedelta(hours=12),
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
    """The rows of curated.traffic_hourly, its columns in their order."""
    found: dict[tuple, list[Session]] = defaultdict(list)
    for visit in visits:
        found[visit.started_at.replace(minute=0, second=0, microsecond=0), visit.day].append(visit)
    rows = set()
    for key, group in found.items():
        converted = sum(v.count("purchase") > 0 for v in group)
        rows.add((
            *key, len(group), len({v.visitor for v in group}), sum(len(v.events) for v in group),
            sum(v.count(*PAGES) for v in group), converted, sum((v.revenue for v in group), Decimal(0)),
            converted / len(group),
        ))  # fmt: skip
    return rows


def funnel(visits: Iterable[Session]) -> set[tuple]:
    """The rows of curated.conversion_funnel, its columns in their order."""
    steps = ("product_view", "add_to_cart", "checkout_start", "purchase")
    found: dict[tuple, list[Session]] = defaultdict(list)
    for visit in visits:
        found[visit.day, visit.channel, visit.device].append(visit)
    rows = set()
    for key, group in found.items():
        reached = [sum(v.count(*steps[number:]) > 0 for v in group) for number in range(4)]
        rates = [count / len(group) for count in reached]
        bounces, revenue = sum(v.is_bounce for v in group), sum((v.revenue for v in group), Decimal(0))
        rows.add((*key, len(group), *reached, bounces, revenue, *rates))
    return rows


def read_shop(folder: Path) -> list[Event]:
    """Every event of a person in a generated shop's click files, each once; lines that are none are left out."""
    return [event for event in read_all(folder) if not event.is_robot]


def read_all(folder: Path) -> list[Event]:
    """The same with the events of robots."""
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
    return Event(
        said["visitor_id"], at, said["event_id"], said.get("event_type") or said["action"], said["page_url"],
        said["referrer"], said["utm_source"], said["utm_medium"], said["device"],
        None if said["value"] is None else Decimal(str(said["value"])), said["customer_id"], said["product_id"],
        said["country"], said["utm_campaign"], "bot" in said["user_agent"].lower(),
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
