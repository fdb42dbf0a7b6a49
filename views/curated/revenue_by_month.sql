-- Revenue by month
-- One row a month in the reporting time zone: orders, units, revenue, customers. Returns count negative.
SELECT
  CAST(date_trunc('month', order_day) AS date) AS month,
  count(DISTINCT order_id) AS orders,
  sum(quantity) AS units,
  sum(net_amount) AS revenue,
  sum(net_amount) / count(DISTINCT order_id) AS average_order_value,
  count(DISTINCT customer_id) AS customers,
  count(DISTINCT order_day) AS days_with_orders
FROM ${curated}.sales
WHERE is_revenue
GROUP BY date_trunc('month', order_day)
