"""Create missing tables empty, and add the columns that existing ones lack. Input: `{"run_id"}`."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from shoplake.catalog import LakeCatalog
from shoplake.config import load_lake
from shoplake.tables import load_tables

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Bring every table to its declared shape. Returns what was done to each."""
    catalog = LakeCatalog(load_lake())
    return {name: catalog.prepare(table) for name, table in load_tables().items()}
