-- Top products
-- Which 50 products brought in the most, in how many orders, and for how many customers?
SELECT
  product_id,
  max(product_name) AS product_name,
  max(category) AS category,
  sum(net_amount) AS revenue,
  sum(quantity) AS units,
  count(DISTINCT order_id) AS orders,
  count(DISTINCT customer_id) AS customers
FROM ${curated}.sales
WHERE is_revenue
GROUP BY product_id
ORDER BY revenue DESC, product_id
LIMIT 50
