"""Orders of a slice of a day, and what follows from them on later days: returns, and news of pending orders."""

from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa

from generator import assumptions
from generator.catalogue import Catalogue, pick_product
from generator.customers import COUNTRIES, countries_of, customer_ids, repeat_customers
from generator.demand import DAY_S, Slice, moments
from generator.draws import generator, geometric, pick
from generator.text import chosen, day_names, instants, joined, money, number, strings

CHANNELS, PAYMENTS = tuple(assumptions.CHANNELS), tuple(assumptions.PAYMENTS)
COMPLETED, PENDING, CANCELLED, FAILED, RETURNED = range(5)
STORE = CHANNELS.index("store")
RETURN_LINE_NUMBERS = 100  # a returned line 2 is line 102 of the order
_DESK_OPENS_S, _DESK_CLOSES_S = 9 * 3600, 17 * 3600


@dataclass(frozen=True)
class Lines:
    """Order lines, one entry of each array a line. Money in pence, times in seconds since 1970."""

    order_day: np.ndarray  # seconds: midnight of the day in the order's id
    order: np.ndarray  # the order's number within its day
    line_number: np.ndarray
    product: np.ndarray
    quantity: np.ndarray
    unit_price: np.ndarray
    discount: np.ndarray
    tax: np.ndarray
    shipping: np.ndarray
    ordered_at: np.ndarray
    customer: np.ndarray  # -1: unknown
    country: np.ndarray
    payment: np.ndarray
    channel: np.ndarray
    status: np.ndarray
    updated_at: np.ndarray

    def __len__(self) -> int:
        return len(self.order)

    @property
    def net(self) -> np.ndarray:
        return self.quantity * self.unit_price - self.discount

    def where(self, condition: np.ndarray, **changed: np.ndarray) -> "Lines":
        """The lines that a condition or index selects, with some columns replaced."""
        kept = {field.name: getattr(self, field.name)[condition] for field in fields(self)}
        return Lines(**(kept | changed))

    @classmethod
    def together(cls, pieces: list["Lines"]) -> "Lines":
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in pieces]) for f in fields(cls)})


def order_lines(catalogue: Catalogue, popularity: np.ndarray, within: Slice) -> Lines:
    """New orders of the slice, in order of time; every line of an order has its time and customer.

    `popularity` is cumulative, of the products in stock. The slice's new customers have the first orders.
    """
    seed = catalogue.options.seed
    rng, count = generator(seed, "orders", within.day, within.number), len(within.orders)
    at = moments(rng, within, count)
    channel = pick(assumptions.CHANNELS, rng.random(count))
    is_in_hours = channel >= assumptions.WITH_VISIT  # somebody stands in the store, or answers the phone
    at[is_in_hours] = within.day_start + rng.integers(_DESK_OPENS_S, _DESK_CLOSES_S, is_in_hours.sum())
    customer = repeat_customers(rng, count, within.new_customers.start)
    first_orders = np.sort(rng.permutation(count)[: len(within.new_customers)])
    customer[first_orders] = within.new_customers.start + np.arange(len(first_orders))
    is_anonymous = (channel == STORE) & (rng.random(count) < assumptions.ANONYMOUS_IN_STORE)
    is_anonymous[first_orders] = False
    customer[is_anonymous] = -1
    country = np.where(channel == STORE, 0, countries_of(seed, customer))
    payment = pick(assumptions.PAYMENTS, rng.random(count))
    payment[channel == STORE] = PAYMENTS.index("card")
    status = np.where(channel == STORE, COMPLETED, pick(assumptions.STATUS_SHARES, rng.random(count)))
    is_discounted = rng.random(count) < assumptions.DISCOUNTED_ORDERS

    length = geometric(rng, assumptions.LINES_PER_ORDER_P, count, assumptions.MAX_LINES)
    order = np.repeat(np.arange(count), length)
    line_number = np.arange(len(order)) - np.repeat(np.cumsum(length) - length, length) + 1
    product = pick_product(popularity, rng.random(len(order)))
    quantities = np.array(list(assumptions.QUANTITIES))
    quantity = quantities[pick(assumptions.QUANTITIES, rng.random(len(order)))]
    unit_price = catalogue.prices(within.day)[product]
    gross = quantity * unit_price
    discount = np.where(is_discounted[order], gross * assumptions.DISCOUNT // 100, 0)
    tax = np.where(country[order] == 0, (gross - discount) * assumptions.VAT_PERCENT // 100, 0)
    goods = np.bincount(order, gross - discount, count)
    is_shipped = (channel != STORE) & (goods < assumptions.FREE_SHIPPING_FROM)
    shipping = np.where((line_number == 1) & is_shipped[order], assumptions.SHIPPING, 0)
    return Lines(
        order_day=np.full(len(order), within.day_start),
        order=within.orders.start + order + 1,
        line_number=line_number,
        product=product,
        quantity=quantity,
        unit_price=unit_price,
        discount=discount,
        tax=tax,
        shipping=shipping,
        ordered_at=at[order],
        customer=customer[order],
        country=country[order],
        payment=payment[order],
        channel=channel[order],
        status=status[order],
        updated_at=at[order],
    )


def returns(seed: int, lines: Lines, within: Slice) -> dict[int, Lines]:
    """Lines that come back, by the day on which they do: negative quantities, under numbers of their own.

    Each is dated by its return and refunds goods, discount and tax in proportion, not the shipping.
    """
    rng = generator(seed, "returns", within.day, within.number)
    index = lines.order - within.orders.start - 1
    orders = len(within.orders)
    low, high = assumptions.RETURN_DAYS
    is_returning = rng.random(orders) < assumptions.RETURNED_ORDERS
    due = within.day + rng.integers(low, high + 1, orders)
    moment = rng.integers(_DESK_OPENS_S, _DESK_CLOSES_S, orders) + within.day_start + (due - within.day) * DAY_S
    chosen_lines = (lines.line_number == 1) | (rng.random(len(lines)) < assumptions.RETURNED_LINES)
    units = 1 + (rng.random(len(lines)) * lines.quantity).astype(np.int64)
    comes_back = is_returning[index] & chosen_lines & (lines.status == COMPLETED)
    found = {}
    for day in np.unique(due[index[comes_back]]):
        which = comes_back & (due[index] == day)
        came, sold, back = lines.where(which), lines.quantity[which], units[which]
        found[int(day)] = lines.where(
            which,
            line_number=came.line_number + RETURN_LINE_NUMBERS,
            quantity=-back,
            discount=-(came.discount * back // sold),
            tax=-(came.tax * back // sold),
            shipping=np.zeros(len(came), np.int64),
            ordered_at=moment[index[which]],
            status=np.full(len(came), RETURNED),
            updated_at=moment[index[which]],
        )
    return found


def settled(seed: int, lines: Lines, within: Slice) -> Lines:
    """Pending orders' lines as they stand the next day: the same lines again, completed or cancelled."""
    rng = generator(seed, "settled", within.day, within.number)
    orders = len(within.orders)
    is_cancelled = rng.random(orders) < assumptions.PENDING_CANCELLED
    moment = within.day_start + DAY_S + rng.integers(_DESK_OPENS_S, _DESK_CLOSES_S, orders)
    which = lines.status == PENDING
    index = lines.order[which] - within.orders.start - 1
    status = np.where(is_cancelled[index], CANCELLED, COMPLETED)
    return lines.where(which, status=status, updated_at=moment[index])


def order_ids(lines: Lines) -> pa.StringArray:
    """`O20250131-000017`: they grow with time."""
    return joined("O", day_names(lines.order_day, "%Y%m%d"), "-", number(lines.order, 6))


def csv_columns(catalogue: Catalogue, lines: Lines) -> dict[str, pa.StringArray]:
    """The lines' records, as text."""
    return {
        "order_id": order_ids(lines),
        "line_number": number(lines.line_number),
        "product_id": chosen(catalogue.ids, lines.product),
        "product_name": chosen(catalogue.csv_names, lines.product),
        "quantity": number(lines.quantity),
        "unit_price": money(lines.unit_price),
        "discount_amount": money(lines.discount),
        "tax_amount": money(lines.tax),
        "shipping_amount": money(lines.shipping),
        "currency": chosen(strings(["GBP"]), np.zeros(len(lines), np.int8)),
        "ordered_at": instants(lines.ordered_at),
        "customer_id": customer_ids(lines.customer),
        "country": chosen(strings(list(COUNTRIES)), lines.country),
        "payment_method": chosen(strings(list(PAYMENTS)), lines.payment),
        "channel": chosen(strings(list(CHANNELS)), lines.channel),
        "status": chosen(strings(list(assumptions.STATUSES)), lines.status),
        "updated_at": instants(lines.updated_at),
    }
