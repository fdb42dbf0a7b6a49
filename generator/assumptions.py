"""The figures that shape the generated shop. Where no source is named, a figure is an assumption of ours,
chosen to look like a middle-sized British shop; none is a claim about any real one.
"""

# Demand. Relative to an average day; the mean of each table is about 1.
WEEKDAYS = (1.08, 1.02, 0.99, 0.99, 0.97, 0.90, 1.05)  # from Monday: people buy online on Sunday evening and Monday
MONTHS = (0.93, 0.87, 0.92, 0.92, 0.95, 0.93, 0.93, 0.92, 0.95, 1.02, 1.30, 1.36)  # gifts, and the sales of November
HOURS = (
    0.40, 0.22, 0.14, 0.10, 0.10, 0.16, 0.36, 0.62, 0.85, 1.05, 1.18, 1.25,
    1.30, 1.25, 1.20, 1.18, 1.18, 1.22, 1.35, 1.60, 1.80, 1.75, 1.35, 0.80,
)  # fmt: skip
"""Hour of the day in UTC: little at night, a plateau from ten to six, the peak at eight in the evening."""

# Who buys.
NEW_CUSTOMER_SHARE = 0.30  # of orders are a customer's first
CUSTOMERS_BEFORE_START = 30  # times the orders of a day
LOYAL_EVERY = 10  # one customer in ten is loyal
LOYAL_SHARE = 0.45  # of repeat orders come from them
COUNTRIES = {
    "United Kingdom": 0.82, "Ireland": 0.05, "Germany": 0.035, "France": 0.03, "Netherlands": 0.02,
    "Spain": 0.015, "Sweden": 0.01, "United States": 0.012, "Australia": 0.008,
}  # fmt: skip
CONSENT_SHARE = 0.55

# How they buy.
CHANNELS = {"web": 0.62, "app": 0.25, "store": 0.10, "phone": 0.03}
WITH_VISIT = 2  # the first two channels leave clicks
ANONYMOUS_IN_STORE = 0.6
PAYMENTS = {"card": 0.58, "paypal": 0.22, "apple_pay": 0.10, "bank_transfer": 0.04, "gift_card": 0.06}
STATUSES = ("completed", "pending", "cancelled", "failed", "returned")
STATUS_SHARES = (0.94, 0.03, 0.015, 0.015, 0.0)
PENDING_CANCELLED = 0.3  # of pending orders are cancelled the next day; the others are completed
LINES_PER_ORDER_P = 0.45  # geometric: 45% of orders have one line, 2.2 on average
MAX_LINES = 12
QUANTITIES = {1: 0.78, 2: 0.13, 3: 0.04, 4: 0.025, 6: 0.015, 12: 0.01}
DISCOUNTED_ORDERS, DISCOUNT = 0.15, 10  # share of orders, per cent
VAT_PERCENT = 20  # the United Kingdom's standard rate, charged there only: https://www.gov.uk/vat-rates
SHIPPING, FREE_SHIPPING_FROM = 395, 5000  # pence; not in the store
RETURNED_ORDERS, RETURNED_LINES = 0.09, 0.7  # of completed orders; of such an order's lines, the first always
RETURN_DAYS = (3, 21)  # the Consumer Contracts Regulations give 14 days to cancel and 14 more to send back

# What they buy.
PRODUCTS_PER_DAILY_ORDER, FEWEST_PRODUCTS, MOST_PRODUCTS = 2, 60, 20_000
POPULARITY_EXPONENT = 0.9  # Zipf: the product of rank r sells as 1 / (r + 5) ** 0.9
POPULARITY_SHIFT = 5
PRICE_SPREAD = 0.55  # standard deviation of the logarithm of the price around its department's median
COST_SHARES = (0.40, 0.70)  # of the price
ON_SALE, SALE_PERCENT = 0.05, 20  # share of products in a week, per cent off
STOCK_DAYS = 30  # of expected sales in a delivery
REORDER_DAYS = 7
NEVER_RESTOCKED = 0.04  # of products are running out

# Visits. Of a hundred about three buy: British benchmarks for retail range from 2.5 to 3.5
# (https://www.otterab.com/blog/what-is-a-good-ecommerce-conversion-rate). Baymard Institute's mean of its studies is
# that 70% of carts are abandoned (https://baymard.com/lists/cart-abandonment-rate), so ten in a hundred fill one.
CONVERSION = 0.03
BOUNCE = 0.42
CART = 0.072  # of visits that don't buy
CART_P = 0.6  # geometric: products in such a cart
CHECKOUT = 0.35  # of those with a cart
BROWSE_P = 0.28  # geometric: pages seen after the landing page
MAX_BROWSE = 40
SECONDS_BETWEEN_EVENTS, MOST_SECONDS = 35, 900
KNOWN_VISITORS = 0.25  # of visits that don't buy are a customer's
ANONYMOUS_DAYS = 20  # anonymous visitors, in times the visits of a day
ROBOTS = 0.015
DEVICES = {"mobile": 0.58, "desktop": 0.36, "tablet": 0.06}
SOURCES = {  # (referrer, utm_source, utm_medium, utm_campaign): share
    ("https://www.google.example/", "", "", ""): 0.36,
    ("", "", "", ""): 0.26,
    ("", "newsletter", "email", "weekly"): 0.12,
    ("https://www.google.example/", "google", "cpc", "brand"): 0.14,
    ("https://social.example/", "social", "paid_social", "spring_ideas"): 0.08,
    ("https://blog.example.org/gift-guide", "", "", ""): 0.04,
}

# Reviews.
REVIEWED_LINES = 0.06  # of completed lines
DELIVERY_DAYS, REVIEW_DAYS = (2, 4), (1, 14)
RATINGS = {5: 0.58, 4: 0.20, 3: 0.09, 2: 0.05, 1: 0.08}  # many fives and more ones than twos, as shops see it
