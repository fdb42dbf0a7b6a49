-- Stock cover
-- How many days does each product's stock last at the pace of the last 28 days? The shortest first.
SELECT
  performance.product_id,
  products.name,
  products.category,
  performance.stock_quantity,
  performance.days_of_cover,
  products.stock_value
FROM ${curated}.product_performance AS performance
LEFT JOIN ${processed}.products AS products ON products.product_id = performance.product_id
WHERE performance.activity_day = (SELECT max(activity_day) FROM ${curated}.product_performance WHERE stock_quantity IS NOT NULL)
  AND performance.days_of_cover IS NOT NULL
ORDER BY performance.days_of_cover, performance.product_id
LIMIT 200
