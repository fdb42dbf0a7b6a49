-- Stock by category
-- What is in stock in each category, what is it worth at cost, and what does the shop earn on it?
SELECT
  coalesce(category, '(unknown)') AS category,
  currency,
  count(*) AS products,
  count_if(is_out_of_stock) AS out_of_stock,
  count_if(is_low_stock) AS low_stock,
  sum(stock_quantity) AS units_in_stock,
  sum(stock_value) AS stock_value,
  round(100 * avg(margin_rate), 1) AS percent_margin
FROM ${processed}.products
GROUP BY 1, 2
ORDER BY stock_value DESC, category
