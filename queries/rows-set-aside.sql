-- Rows and files set aside, by run
-- Which runs quarantined rows, refused files or met duplicates? `shoplake show RUN` then names files, lines and reasons.
SELECT
  run_id,
  state,
  started_at,
  rows_read,
  rows_quarantined,
  round(100.0 * CAST(rows_quarantined AS double) / nullif(rows_read, 0), 2) AS percent_quarantined,
  rows_duplicate,
  rows_superseded,
  files_refused,
  files_duplicate
FROM ${processed}.runs
WHERE rows_quarantined + rows_duplicate + rows_superseded + files_refused + files_duplicate > 0
ORDER BY started_at DESC
LIMIT 100
