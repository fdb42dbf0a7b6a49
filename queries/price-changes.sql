-- Price changes
-- Which prices changed, when, and from what to what? The newest 100 changes.
WITH versions AS (
  SELECT
    product_id,
    name,
    currency,
    price,
    lag(price) OVER (PARTITION BY product_id ORDER BY valid_from) AS price_before,
    valid_from
  FROM ${processed}.product_versions
)
SELECT
  product_id,
  name,
  valid_from,
  price_before,
  price,
  round(100 * CAST(price - price_before AS double) / nullif(CAST(price_before AS double), 0), 1) AS percent_change,
  currency
FROM versions
WHERE price <> price_before
ORDER BY valid_from DESC, product_id
LIMIT 100
