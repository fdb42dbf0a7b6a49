-- Repeat customers
-- How many customers ordered once, twice, or more often, and what is each group worth?
WITH by_customer AS (
  SELECT
    customer_id,
    count(*) AS orders,
    sum(net_amount) AS revenue
  FROM ${curated}.orders
  WHERE customer_id IS NOT NULL AND is_revenue AND NOT is_return
  GROUP BY customer_id
)
SELECT
  CASE WHEN orders = 1 THEN '1 order' WHEN orders = 2 THEN '2 orders' WHEN orders < 5 THEN '3 to 4 orders'
    ELSE '5 orders or more' END AS ordered,
  count(*) AS customers,
  round(100.0 * CAST(count(*) AS double) / sum(count(*)) OVER (), 1) AS percent_of_customers,
  sum(orders) AS orders,
  sum(revenue) AS revenue
FROM by_customer
GROUP BY 1
ORDER BY 1
