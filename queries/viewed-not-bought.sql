-- Viewed, not bought
-- Which products do people look at without buying them? 28 days up to the last one; the most looked at first.
WITH last_days AS (
  SELECT
    product_id,
    sum(views) AS views,
    sum(add_to_carts) AS add_to_carts,
    sum(buying_orders) AS buying_orders,
    sum(revenue) AS revenue
  FROM ${curated}.product_performance
  WHERE activity_day > (SELECT max(activity_day) FROM ${curated}.product_performance) - INTERVAL '28' DAY
  GROUP BY product_id
),

shop AS (
  SELECT CAST(sum(buying_orders) AS double) / nullif(sum(views), 0) AS rate FROM last_days
)

SELECT
  last_days.product_id,
  history.name,
  history.category,
  history.price,
  last_days.views,
  last_days.add_to_carts,
  last_days.buying_orders,
  round(100.0 * CAST(last_days.add_to_carts AS double) / last_days.views, 1) AS percent_in_cart,
  round(100.0 * CAST(last_days.buying_orders AS double) / last_days.views, 1) AS percent_bought,
  round(100.0 * shop.rate, 1) AS percent_bought_of_all
FROM last_days
CROSS JOIN shop
LEFT JOIN ${curated}.product_history AS history ON history.product_id = last_days.product_id AND history.is_current
WHERE last_days.views > 0 AND CAST(last_days.buying_orders AS double) / last_days.views < shop.rate / 2
ORDER BY last_days.views DESC, last_days.product_id
LIMIT 100
