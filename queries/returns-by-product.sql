-- Returns by product
-- Which products come back, how often, and what does it cost? Rates are units returned over units sold.
WITH by_product AS (
  SELECT
    product_id,
    max(product_name) AS product_name,
    sum(CASE WHEN is_return THEN 0 ELSE quantity END) AS units_sold,
    sum(CASE WHEN is_return THEN abs(quantity) ELSE 0 END) AS units_returned,
    sum(CASE WHEN is_return THEN abs(net_amount) ELSE 0 END) AS amount_returned,
    count(DISTINCT CASE WHEN is_return THEN order_id END) AS orders_with_a_return
  FROM ${curated}.sales
  WHERE is_revenue
  GROUP BY product_id
)
SELECT
  product_id,
  product_name,
  units_sold,
  units_returned,
  round(100.0 * CAST(units_returned AS double) / nullif(units_sold, 0), 1) AS percent_returned,
  amount_returned,
  orders_with_a_return
FROM by_product
WHERE units_returned > 0
ORDER BY amount_returned DESC, product_id
LIMIT 100
