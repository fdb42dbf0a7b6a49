-- Orders
-- One row an order: its lines, units and amounts, added up from curated.sales.
SELECT
  order_id,
  min(CAST(ordered_at AS timestamp)) AS ordered_at,
  min(order_day) AS order_day,
  min(customer_id) AS customer_id,
  min(country) AS country,
  min(channel) AS channel,
  count(*) AS lines,
  count(DISTINCT product_id) AS products,
  sum(quantity) AS units,
  sum(gross_amount) AS gross_amount,
  sum(discount_amount) AS discount_amount,
  sum(net_amount) AS net_amount,
  sum(total_amount) AS total_amount,
  min(currency) AS currency,
  min(order_size) AS order_size,
  bool_and(is_return) AS is_return,
  bool_or(is_cancellation) AS is_cancellation,
  bool_or(is_revenue) AS is_revenue,
  min(first_touch_channel) AS first_touch_channel,
  min(last_touch_channel) AS last_touch_channel
FROM ${curated}.sales
GROUP BY order_id
