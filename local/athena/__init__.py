"""Athena's SQL on the local lake: pyiceberg plans what to read, DuckDB reads and computes."""
