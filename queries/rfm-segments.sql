-- Customer segments
-- How many customers are in each segment, what did they spend, and what may they bring next year? See docs/customer-segments.md.
SELECT
  rfm_segment,
  count(*) AS customers,
  round(100.0 * CAST(count(*) AS double) / sum(count(*)) OVER (), 1) AS percent_of_customers,
  sum(spend) AS spend,
  round(100.0 * CAST(sum(spend) AS double) / nullif(sum(sum(CAST(spend AS double))) OVER (), 0), 1) AS percent_of_spend,
  round(avg(CAST(completed_orders AS double)), 1) AS orders_a_customer,
  round(avg(CAST(days_since_last_order AS double)), 0) AS days_since_last_order,
  sum(predicted_value) AS predicted_value
FROM ${curated}.customer_360
GROUP BY rfm_segment
ORDER BY spend DESC, rfm_segment
