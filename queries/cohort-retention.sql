-- Cohort retention
-- Of the customers who first ordered in a month, what share ordered in the months after it? Month 0 is the first one.
WITH active AS (
  SELECT DISTINCT
    customers.customer_id,
    date_trunc('month', customers.first_order_day) AS cohort,
    date_diff('month', date_trunc('month', customers.first_order_day), date_trunc('month', sales.order_day)) AS month_number
  FROM ${curated}.sales AS sales
  INNER JOIN ${curated}.customer_360 AS customers ON customers.customer_id = sales.customer_id
  WHERE sales.status = 'completed' AND NOT sales.is_return
)
SELECT
  cohort,
  month_number,
  count(*) AS customers,
  round(100.0 * CAST(count(*) AS double) / max(count(*)) OVER (PARTITION BY cohort), 1) AS percent_of_cohort
FROM active
GROUP BY cohort, month_number
ORDER BY cohort, month_number
