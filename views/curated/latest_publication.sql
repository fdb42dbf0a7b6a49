-- Latest publication of each table
-- One row a table: the snapshot that readers see, and the run that published it. For questions at one instant.
SELECT
  table_name,
  max_by(run_id, published_at) AS run_id,
  max_by(snapshot_id, published_at) AS snapshot_id,
  max(CAST(published_at AS timestamp)) AS published_at
FROM ${curated}.published
GROUP BY table_name
