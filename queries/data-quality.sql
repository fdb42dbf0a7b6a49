-- Data quality by day
-- How many expectations were checked and not met on each day and table, failed runs included?
SELECT
  CAST(checked_at AS date) AS checked_day,
  table_name,
  count(DISTINCT run_id) AS runs,
  count(*) AS checked,
  count_if(NOT is_met AND severity = 'critical') AS critical_not_met,
  count_if(NOT is_met AND severity <> 'critical') AS warnings_not_met,
  round(100.0 * CAST(count_if(is_met) AS double) / count(*), 1) AS percent_met
FROM ${processed}.quality_results
GROUP BY 1, 2
ORDER BY checked_day DESC, table_name
