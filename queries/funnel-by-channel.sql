-- Funnel by channel
-- How far do the visits that each channel brings get, in percent of them, and what do they come to? 28 days up to the last one.
SELECT
  channel,
  sum(sessions) AS sessions,
  round(100.0 * CAST(sum(with_view) AS double) / sum(sessions), 1) AS percent_view,
  round(100.0 * CAST(sum(with_cart) AS double) / sum(sessions), 1) AS percent_cart,
  round(100.0 * CAST(sum(with_checkout) AS double) / sum(sessions), 1) AS percent_checkout,
  round(100.0 * CAST(sum(with_purchase) AS double) / sum(sessions), 1) AS percent_purchase,
  round(100.0 * CAST(sum(bounces) AS double) / sum(sessions), 1) AS percent_bounce,
  sum(revenue) AS revenue
FROM ${curated}.conversion_funnel
WHERE session_day > (SELECT max(session_day) FROM ${curated}.conversion_funnel) - INTERVAL '28' DAY
GROUP BY channel
ORDER BY sessions DESC, channel
