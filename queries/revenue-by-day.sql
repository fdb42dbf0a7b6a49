-- Revenue by day and category
-- What did each category bring in on each day? Returns count negative; cancelled and failed orders don't count.
SELECT
  order_day,
  category,
  sum(revenue) AS revenue,
  sum(units) AS units
FROM ${curated}.daily_sales_summary
GROUP BY order_day, category
ORDER BY order_day DESC, revenue DESC, category
