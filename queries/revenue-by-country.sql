-- Revenue by country
-- Where do the orders go to, and what share of the revenue is each country's?
SELECT
  country,
  sum(revenue) AS revenue,
  round(100.0 * CAST(sum(revenue) AS double) / sum(sum(CAST(revenue AS double))) OVER (), 1) AS percent_of_revenue,
  sum(units) AS units,
  min(order_day) AS first_day,
  max(order_day) AS last_day
FROM ${curated}.daily_sales_summary
GROUP BY country
ORDER BY revenue DESC, country
