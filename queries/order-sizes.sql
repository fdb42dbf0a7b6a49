-- Order sizes by month
-- How many orders were low, medium and high in each month, and what was an order worth?
SELECT
  date_trunc('month', order_day) AS month,
  order_size,
  count(*) AS orders,
  sum(net_amount) AS revenue,
  sum(net_amount) / count(*) AS average_order_value
FROM ${curated}.orders
WHERE is_revenue AND NOT is_return
GROUP BY 1, 2
ORDER BY month DESC, revenue DESC
