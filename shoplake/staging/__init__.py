"""The staging engine of the file validator: the only code that reads foreign bytes.

`stage` streams one file once, in bounded memory, and writes its records as strings to Parquet with
their line numbers. It judges structure, never values: row rules live in the jobs.

A reader follows one file through the modules in this order: `source` (bytes as received, hash, gzip), `text` (to
UTF-8 by way of `encodings`); then CSV through `dialect` (delimiter, line ending, header) and `records` (blocks of
records, by way of `fast` or `careful`), JSON through `json_file` (form and header), `json_cut` (the texts of records)
and `json_records` (their values, by way of `json_alike` where all records have the same fields), Parquet through
`parquet_file`; at last `writer` (records to Parquet, rejects). All is wired in `engine`.
"""

from shoplake.staging.engine import stage
from shoplake.staging.model import Limits, Problem, Refusal, Staging

__all__ = ["Limits", "Problem", "Refusal", "Staging", "stage"]
