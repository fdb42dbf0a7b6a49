-- Latest quality of each table
-- One row a table and expectation, as the last run that checked the table found it; whole tables are checked daily.
WITH ranked AS (
  SELECT
    table_name,
    expectation,
    severity,
    is_met,
    unexpected_rows,
    checked_rows,
    observed,
    in_words,
    examples,
    run_id,
    CAST(checked_at AS timestamp) AS checked_at,
    dense_rank() OVER (PARTITION BY table_name, expectation LIKE 'In all rows: %' ORDER BY checked_at DESC, run_id DESC) AS newest
  FROM ${processed}.quality_results
)
SELECT
  table_name,
  expectation,
  severity,
  is_met,
  unexpected_rows,
  checked_rows,
  observed,
  in_words,
  examples,
  run_id,
  checked_at
FROM ranked
WHERE newest = 1
