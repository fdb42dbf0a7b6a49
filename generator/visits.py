"""The clicks of a slice of a day: visits that end in the slice's orders, and the many that don't."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from generator import assumptions, vocabulary
from generator.catalogue import Catalogue, categories, pick_product
from generator.customers import COUNTRIES, countries_of, repeat_customers
from generator.demand import DAY_S, Slice, moments
from generator.draws import generator, geometric, pick, trait
from generator.orders import Lines
from generator.text import chosen, day_names, instants, joined, json_text, money, number, strings

SITE = "https://shop.example.com"
_ANONYMOUS = 10**9  # numbers of visitors that are no customers begin here
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # RFC 5737: for documentation, nobody's


@dataclass(frozen=True)
class _Visits:
    """One entry of each array a visit; the buying ones first, in the order of their orders."""

    visitor: np.ndarray
    is_customer: np.ndarray
    is_robot: np.ndarray
    source: np.ndarray
    buyers: int

    def __len__(self) -> int:
        return len(self.visitor)


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
        count, buyers = len(visits), visits.buyers
        is_buyer = np.arange(count) < buyers
        is_bounce = ~is_buyer & (visits.is_robot | (rng.random(count) < assumptions.BOUNCE))
        has_cart = ~is_buyer & ~is_bounce & (rng.random(count) < assumptions.CART / (1 - assumptions.BOUNCE))
        browsed = np.where(is_bounce, 0, geometric(rng, assumptions.BROWSE_P, count, assumptions.MAX_BROWSE))
        carts = np.where(has_cart, geometric(rng, 0.6, count, assumptions.MAX_LINES), 0)
        first_line = np.flatnonzero(lines.line_number == 1)
        carts[:buyers] = np.diff(np.append(first_line, len(lines)))
        has_checkout = is_buyer | (has_cart & (rng.random(count) < assumptions.CHECKOUT))
        events = 1 + browsed + 2 * carts + has_checkout + is_buyer

        visit = np.repeat(np.arange(count), events)
        starts = np.cumsum(events) - events
        position = np.arange(len(visit)) - starts[visit]
        in_cart = position - 1 - browsed[visit]
        after_cart = in_cart - 2 * carts[visit]
        is_pair = (in_cart >= 0) & (after_cart < 0)
        pair_products = np.concatenate([lines.product, pick_product(popularity, rng.random(carts[buyers:].sum()))])
        pair = (np.cumsum(carts) - carts)[visit] + in_cart // 2
        seen = pick_product(popularity, rng.random(len(visit)))
        product = np.where(is_pair, pair_products[np.where(is_pair, pair, 0)] if len(pair_products) else 0, seen)

        kind = rng.random(len(visit))
        page = (rng.random(len(visit)) ** 2 * self._searches).astype(np.int64)  # the home page rather than a shelf
        search = self._searches + (rng.random(len(visit)) * (self._views - self._searches)).astype(np.int64)
        text = np.select(
            [is_pair & (in_cart % 2 == 1), is_pair, after_cart == 1, after_cart == 0, position == 0],
            [
                self._carts + product,
                self._views + product,
                self._checkout + 1,
                np.where(has_checkout[visit], self._checkout, self._checkout + 1),
                page,
            ],
            np.select([kind < 0.60, kind < 0.88], [self._views + product, page], search),
        )
        at = self._times(rng, within, lines.ordered_at[first_line], visit, position, starts, events)
        values = np.bincount(lines.order - lines.order.min(), lines.net) if len(lines) else np.zeros(0)
        value = np.full(count, -1, np.int64)
        value[:buyers] = values[np.unique(lines.order - lines.order.min())] if len(lines) else 0
        in_time = np.argsort(at, kind="stable")
        return self._text(visits, within, visit[in_time], at[in_time], text[in_time], value)

    def _visits(self, rng: np.random.Generator, within: Slice, lines: Lines) -> _Visits:
        buyers = lines.customer[lines.line_number == 1]
        others = round(len(buyers) * (1 / assumptions.CONVERSION - 1))
        is_known = rng.random(others) < assumptions.KNOWN_VISITORS
        known = repeat_customers(rng, others, within.new_customers.start)
        daily = self._catalogue.options.orders_per_day / assumptions.CONVERSION
        anonymous = _ANONYMOUS + (rng.random(others) ** 2 * daily * assumptions.ANONYMOUS_DAYS).astype(np.int64)
        visitor = np.concatenate([buyers, np.where(is_known, known, anonymous)])
        is_robot = np.concatenate([np.zeros(len(buyers), bool), rng.random(others) < assumptions.ROBOTS])
        is_customer = np.concatenate([np.ones(len(buyers), bool), is_known]) & ~is_robot
        source = pick(assumptions.SOURCES, rng.random(len(visitor)))
        return _Visits(visitor, is_customer, is_robot, source, len(buyers))

    def _times(self, rng, within: Slice, ordered_at, visit, position, starts, events) -> np.ndarray:
        """Seconds of each event: a buying visit ends with its order, any other begins by the hour's demand."""
        gaps = 1 + np.minimum(rng.exponential(assumptions.SECONDS_BETWEEN_EVENTS, len(visit)), assumptions.MOST_SECONDS)
        gaps = np.where(position == 0, 0, gaps).astype(np.int64)
        elapsed = np.cumsum(gaps)
        elapsed -= elapsed[starts][visit]
        begins = moments(rng, within, len(starts))
        rng.shuffle(begins)
        ends = starts + events - 1
        begins[: len(ordered_at)] = ordered_at - elapsed[ends[: len(ordered_at)]]
        return np.clip(begins[visit] + elapsed, within.day_start, within.day_start + DAY_S - 1)

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
        tail = pa.compute.if_else(pa.array(is_purchase), tail, ',"value":null}')
        numbers = number(np.arange(len(visit)), 7)
        return joined(
            f'{{"event_id":"E{day}-{within.number}-', numbers, '","event_time":"', instants(at),
            chosen(who, visit), chosen(self._pages, text), chosen(self._origins(visits), visit), tail,
        )  # fmt: skip

    def _origins(self, visits: _Visits) -> pa.StringArray:
        """Referrer, campaign, device, address, user agent, e-mail and country of each visit."""
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
        email = pa.compute.if_else(pa.array(visits.is_customer), email, "null")
        country = strings([json_text(c) for c in COUNTRIES])
        return joined(
            chosen(strings([f",{s[1:-1]}" for s in sources]), visits.source),
            chosen(strings(device_texts), device),
            chosen(networks, address),
            chosen(strings([f'","user_agent":{json_text(a)},"email":' for a in agents]), agent),
            email, ',"country":', chosen(country, countries_of(seed, visitor)),
        )  # fmt: skip


def _page(event_type: str, url: str, product: str | None = None) -> str:
    """The part of an event that says what was looked at."""
    return json_text({"event_type": event_type, "page_url": url, "product_id": product})[1:-1]
