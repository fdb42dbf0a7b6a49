-- Best rated products
-- Which products do buyers rate highest? At least three reviews; the mean is over all of them.
SELECT
  performance.product_id,
  max(history.name) AS name,
  max(history.category) AS category,
  sum(performance.reviews) AS reviews,
  round(sum(performance.average_rating * performance.reviews) / sum(performance.reviews), 2) AS average_rating,
  sum(performance.units) AS units,
  sum(performance.revenue) AS revenue
FROM ${curated}.product_performance AS performance
LEFT JOIN ${curated}.product_history AS history
  ON history.product_id = performance.product_id AND history.is_current
GROUP BY performance.product_id
HAVING sum(performance.reviews) >= 3
ORDER BY average_rating DESC, reviews DESC, performance.product_id
LIMIT 100
