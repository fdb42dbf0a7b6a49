-- Cost of runs by day
-- What did each day's runs cost and load, and what did a million rows cost?
SELECT
  CAST(started_at AS date) AS started_day,
  count(*) AS runs,
  count_if(state = 'failed') AS failed_runs,
  round(sum(dollars), 4) AS dollars,
  round(sum(dpu_seconds) / 3600, 3) AS dpu_hours,
  round(sum(seconds) / 60, 1) AS minutes,
  sum(rows_read) AS rows_read,
  sum(bytes_in) AS bytes_in,
  round(1e6 * sum(dollars) / nullif(sum(rows_read), 0), 4) AS dollars_a_million_rows
FROM ${processed}.runs
GROUP BY 1
ORDER BY started_day DESC
