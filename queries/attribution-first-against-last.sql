-- Attribution: first against last touch
-- What does each channel bring in, if an order is owed to the first visit of the seven days before it, and if to the last?
WITH owed AS (
  SELECT coalesce(first_touch_channel, '(none)') AS channel, 'first' AS touch, order_id, net_amount
  FROM ${curated}.sales
  WHERE is_revenue
  UNION ALL
  SELECT coalesce(last_touch_channel, '(none)') AS channel, 'last' AS touch, order_id, net_amount
  FROM ${curated}.sales
  WHERE is_revenue
)
SELECT
  channel,
  count(DISTINCT CASE WHEN touch = 'first' THEN order_id END) AS orders_by_first,
  count(DISTINCT CASE WHEN touch = 'last' THEN order_id END) AS orders_by_last,
  sum(CASE WHEN touch = 'first' THEN net_amount ELSE 0 END) AS revenue_by_first,
  sum(CASE WHEN touch = 'last' THEN net_amount ELSE 0 END) AS revenue_by_last,
  sum(CASE WHEN touch = 'last' THEN net_amount ELSE -net_amount END) AS last_less_first
FROM owed
GROUP BY channel
ORDER BY revenue_by_last DESC, channel
