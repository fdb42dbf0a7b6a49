"""The clicks of a slice of a day: visits that end in the slice's orders, and the many that don't."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generator import assumptions, vocabulary
from generator.catalogue import Catalogue, categories, pick_product
from generator.customers import COUNTRIES, countries_of, customer_ids, repeat_customers
from generator.demand import DAY_S, Slice, moments
from generator.draws import generator, geometric, pick, trait
from generator.orders import Lines
from generator.text import chosen, day_names, instants, joined, json_text, money, number, strings

SITE = "https://shop.example.com"
_ANONYMOUS = 10**9  # numbers of visitors that are no customers begin here
_VIEWS, _SHELVES = 0.60, 0.28  # of the pages seen while browsing are products and shelves; the others are searches
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # RFC 5737: for documentation, nobody's


@dataclass(frozen=True)
class _Visits:
    """One entry of each array a visit; those that buy come first, in the order of their orders.

    A visit is a landing page, some pages more, then for each product put into the cart a look at it and the putting,
    and at last the checkout and the purchase, as far as it gets.
    """

    visitor: np.ndarray
    is_customer: np.ndarray
    is_robot: np.ndarray
    source: np.ndarray
    is_buyer: np.ndarray
    browsed: np.ndarray  # pages after the landing page
    carts: np.ndarray  # products put into the cart
    has_checkout: np.ndarray

    def __len__(self) -> int:
        return len(self.visitor)

    @cached_property
    def events(self) -> np.ndarray:
        return 1 + self.browsed + 2 * self.carts + self.has_checkout + self.is_buyer


@dataclass(frozen=True)
class _Events:
    """One entry of each array an event; the visits' events one after the other."""

    visit: np.ndarray
    position: np.ndarray  # within the visit, from 0
    in_cart: np.ndarray  # since the first product of the cart was looked at; negative before
    after_cart: np.ndarray  # 0: checkout, 1: purchase; negative before

    @classmethod
    def of(cls, visits: _Visits) -> "_Events":
        visit = np.repeat(np.arange(len(visits)), visits.events)
        position = np.arange(len(visit)) - (np.cumsum(visits.events) - visits.events)[visit]
        in_cart = position - 1 - visits.browsed[visit]
        return cls(visit, position, in_cart, in_cart - 2 * visits.carts[visit])

    def __len__(self) -> int:
        return len(self.visit)

    @property
    def is_for_cart(self) -> np.ndarray:
        return (self.in_cart >= 0) & (self.after_cart < 0)


class Clicks:
    """Events as JSON Lines. Holds the texts that many events share."""

    def __init__(self, catalogue: Catalogue):
        self._catalogue = catalogue
        self._seed = catalogue.options.seed
        products, shelves = catalogue.ids.to_pylist(), categories()
        kinds = sorted({leaf.name for leaf in catalogue.leaves})
        pages = [f"{SITE}/", *(f"{SITE}/category/{c.category_id}" for c in shelves)]
        texts = [_page("page_view", page) for page in pages]
        self._searches = len(texts)
        texts += [_page("search", f"{SITE}/search?q={kind.lower().replace(' ', '+')}") for kind in kinds]
        self._views = len(texts)
        texts += [_page("product_view", f"{SITE}/product/{p}", p) for p in products]
        self._carts = len(texts)
        texts += [_page("add_to_cart", f"{SITE}/product/{p}", p) for p in products]
        self._checkout = len(texts)
        texts += [_page("checkout_start", f"{SITE}/checkout"), _page("purchase", f"{SITE}/checkout/complete")]
        self._pages = strings(texts)

    def json_lines(self, popularity: np.ndarray, within: Slice, lines: Lines) -> pa.StringArray:
        """Every event of the slice in order of time. `lines` are those of orders that began with a visit."""
        rng = generator(self._seed, "clicks", within.day, within.number)
        visits = self._visits(rng, within, lines)
        events = _Events.of(visits)
        product = self._products(rng, popularity, visits, events, lines.product)
        page = self._pages_seen(rng, events, product)
        is_first_line = lines.line_number == 1
        at = self._times(rng, within, visits, events, lines.ordered_at[is_first_line])
        value = np.zeros(len(visits), np.int64)
        value[: is_first_line.sum()] = np.bincount(np.cumsum(is_first_line) - 1, lines.net)
        in_time = np.argsort(at, kind="stable")
        return self._text(visits, within, events.visit[in_time], at[in_time], page[in_time], value)

    def _visits(self, rng: np.random.Generator, within: Slice, lines: Lines) -> _Visits:
        """Who comes, and how far each gets."""
        first_line = np.flatnonzero(lines.line_number == 1)
        buyers = lines.customer[first_line]
        others = round(len(buyers) * (1 / assumptions.CONVERSION - 1))
        count = len(buyers) + others
        is_buyer = np.arange(count) < len(buyers)
        is_known = rng.random(others) < assumptions.KNOWN_VISITORS
        known = repeat_customers(rng, others, within.new_customers.start)
        daily = self._catalogue.options.orders_per_day / assumptions.CONVERSION
        # Squared, so that some come back often and most seldom.
        anonymous = _ANONYMOUS + (rng.random(others) ** 2 * daily * assumptions.ANONYMOUS_DAYS).astype(np.int64)
        is_robot = ~is_buyer & (rng.random(count) < assumptions.ROBOTS)
        is_bounce = ~is_buyer & (is_robot | (rng.random(count) < assumptions.BOUNCE))
        fills_cart = ~is_buyer & ~is_bounce & (rng.random(count) < assumptions.CART / (1 - assumptions.BOUNCE))
        carts = np.where(fills_cart, geometric(rng, assumptions.CART_P, count, assumptions.MAX_LINES), 0)
        carts[: len(buyers)] = np.diff(np.append(first_line, len(lines)))
        return _Visits(
            visitor=np.concatenate([buyers, np.where(is_known, known, anonymous)]),
            is_customer=np.concatenate([np.ones(len(buyers), bool), is_known]) & ~is_robot,
            is_robot=is_robot,
            source=pick(assumptions.SOURCES, rng.random(count)),
            is_buyer=is_buyer,
            browsed=np.where(is_bounce, 0, geometric(rng, assumptions.BROWSE_P, count, assumptions.MAX_BROWSE)),
            carts=carts,
            has_checkout=is_buyer | (fills_cart & (rng.random(count) < assumptions.CHECKOUT)),
        )

    def _products(self, rng, popularity, visits: _Visits, events: _Events, bought: np.ndarray) -> np.ndarray:
        """The product of each event, had it one. Those in the carts of buying visits are the ones that they buy."""
        others = pick_product(popularity, rng.random(visits.carts[~visits.is_buyer].sum()))
        product = pick_product(popularity, rng.random(len(events)))
        of_cart = (np.cumsum(visits.carts) - visits.carts)[events.visit] + events.in_cart // 2
        product[events.is_for_cart] = np.concatenate([bought, others])[of_cart[events.is_for_cart]]
        return product

    def _pages_seen(self, rng, events: _Events, product: np.ndarray) -> np.ndarray:
        """The index into the pages of each event."""
        kind, which = rng.random(len(events)), rng.random(len(events))
        shelf = (which**2 * self._searches).astype(np.int64)  # the home page rather than any one shelf
        search = self._searches + (which * (self._views - self._searches)).astype(np.int64)
        view, cart = self._views + product, self._carts + product
        browsing = np.select([kind < _VIEWS, kind < _VIEWS + _SHELVES], [view, shelf], search)
        is_cart = events.is_for_cart
        return np.select(
            [events.position == 0, is_cart & (events.in_cart % 2 == 0), is_cart, events.after_cart >= 0],
            [shelf, view, cart, self._checkout + events.after_cart],
            browsing,
        )

    def _times(self, rng, within: Slice, visits: _Visits, events: _Events, ordered_at: np.ndarray) -> np.ndarray:
        """Seconds of each event: a buying visit ends with its order, any other begins by the hour's demand."""
        gaps = rng.exponential(assumptions.SECONDS_BETWEEN_EVENTS, len(events))
        gaps = 1 + np.minimum(gaps, assumptions.MOST_SECONDS).astype(np.int64)
        gaps[events.position == 0] = 0
        ends = np.cumsum(visits.events) - 1
        elapsed = np.cumsum(gaps)
        elapsed -= elapsed[ends - visits.events + 1][events.visit]
        begins = rng.permutation(moments(rng, within, len(visits)))
        begins[: len(ordered_at)] = ordered_at - elapsed[ends[: len(ordered_at)]]
        return np.clip(begins[events.visit] + elapsed, within.day_start, within.day_start + DAY_S - 1)

    def _text(self, visits: _Visits, within: Slice, visit, at, text, value) -> pa.StringArray:
        """The events' records. What is of the visit is made once for it."""
        day = day_names(np.array([within.day_start]), "%Y%m%d")[0].as_py()
        visitor = visits.visitor + 1
        name = joined("V", number(visitor, 8))
        session = number(np.arange(len(visits)), 6)
        who = joined('","visitor_id":"', name, f'","session_id":"S{day}-{within.number}-', session, '",')
        is_purchase = text == self._checkout + 1
        amounts = np.where(is_purchase, value[visit], 0)
        tail = joined(',"value":', money(amounts), "}")
        tail = pc.if_else(pa.array(is_purchase), tail, ',"value":null}')
        numbers = number(np.arange(len(visit)), 7)
        return joined(
            f'{{"event_id":"E{day}-{within.number}-', numbers, '","event_time":"', instants(at),
            chosen(who, visit), chosen(self._pages, text), chosen(self._origins(visits), visit), tail,
        )  # fmt: skip

    def _origins(self, visits: _Visits) -> pa.StringArray:
        """Referrer, campaign, device, address, user agent, e-mail, customer and country of each visit."""
        seed, visitor = self._seed, visits.visitor
        devices = tuple(assumptions.DEVICES)
        device = pick(assumptions.DEVICES, trait(seed, "device", visitor))
        device = np.where(visits.is_robot, len(devices), device)
        agents = [a for name in (*devices, "robot") for a in vocabulary.USER_AGENTS[name]]
        counts = np.array([len(vocabulary.USER_AGENTS[name]) for name in (*devices, "robot")])
        agent = (np.cumsum(counts) - counts)[device]
        agent = agent + (trait(seed, "user agent", visitor) * counts[device]).astype(np.int64)
        names = ("referrer", "utm_source", "utm_medium", "utm_campaign")
        sources = [
            json_text({name: word or None for name, word in zip(names, source, strict=True)})
            for source in assumptions.SOURCES
        ]
        device_texts = [f',"device":{json_text(name)},"ip":"' for name in (*devices, None)]
        address = (trait(seed, "address", visitor) * len(_NETWORKS) * 254).astype(np.int64)
        networks = strings([f"{network}.{host}" for network in _NETWORKS for host in range(1, 255)])
        email = joined('"customer', number(visitor + 1), '@example.com"')
        customer = joined(email, ',"customer_id":"', customer_ids(visitor), '"')
        who = pc.if_else(pa.array(visits.is_customer), customer, 'null,"customer_id":null')
        country = strings([json_text(c) for c in COUNTRIES])
        return joined(
            chosen(strings([f",{s[1:-1]}" for s in sources]), visits.source),
            chosen(strings(device_texts), device),
            chosen(networks, address),
            chosen(strings([f'","user_agent":{json_text(a)},"email":' for a in agents]), agent),
            who, ',"country":', chosen(country, countries_of(seed, visitor)),
        )  # fmt: skip


def _page(event_type: str, url: str, product: str | None = None) -> str:
    """The part of an event that says what was looked at."""
    return json_text({"event_type": event_type, "page_url": url, "product_id": product})[1:-1]
