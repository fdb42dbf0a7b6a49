-- Low stock
-- Which products are out of stock, or at or below the level at which to reorder, and how many were sold lately?
WITH last_days AS (
  SELECT
    product_id,
    sum(quantity) AS units_in_28_days
  FROM ${curated}.sales
  WHERE is_revenue AND order_day > (SELECT max(order_day) FROM ${curated}.sales) - INTERVAL '28' DAY
  GROUP BY product_id
)
SELECT
  products.product_id,
  products.name,
  products.category,
  products.stock_quantity,
  products.reorder_level,
  products.is_out_of_stock,
  coalesce(last_days.units_in_28_days, 0) AS units_in_28_days,
  products.supplier
FROM ${processed}.products AS products
LEFT JOIN last_days ON last_days.product_id = products.product_id
WHERE products.is_low_stock OR products.is_out_of_stock
ORDER BY units_in_28_days DESC, products.product_id
LIMIT 200
