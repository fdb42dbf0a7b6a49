"""A small contract with sources, and a short way to stage JSON under it, for the tests of the staging engine."""

import tempfile
from dataclasses import replace
from pathlib import Path

from shoplake.contracts import Column, Contract, Source
from shoplake.staging import Limits, stage
from tests.unit.staging_fakes import Staged, Trickle, read_staged

COLUMNS = ("id", "name", "price", "customer_id")
PLAIN = Source("plain", key="lines")


def column(name: str, *synonyms: str, required: bool = False) -> Column:
    return Column(name, "", "string", "string", required=required, synonyms=synonyms)


THINGS = Contract(
    dataset="things",
    description="",
    formats=("csv", "json_lines", "json", "parquet"),
    columns=(
        column("id", "order_no", required=True),
        column("name", "title"),
        column("price", "unit_price", required=True),
        column("customer_id", "customer"),
    ),
    sources=(PLAIN,),
    reject_share=1.0,
    reject_rows=0,
)


def with_sources(*sources: Source) -> Contract:
    return replace(THINGS, sources=sources)


def stage_json(
    data: bytes | str,
    contract: Contract = THINGS,
    name: str = "things.json",
    max_bytes: int = 50_000_000,
    max_record_bytes: int = 1_000_000,
    read_size: int = 1_000_000,
    columns: tuple[str, ...] = COLUMNS,
) -> Staged:
    """Stage `data` under a file name; records come as (line, raw text, then the contract's columns)."""
    with tempfile.TemporaryDirectory() as folder:
        staged_path, rejects_path = Path(folder, "staged.parquet"), Path(folder, "rejects.jsonl")
        stream = Trickle(data.encode() if isinstance(data, str) else data, read_size)
        limits = Limits(max_bytes, max_record_bytes)
        return read_staged(stage(stream, name, contract, staged_path, rejects_path, limits), folder, columns)
