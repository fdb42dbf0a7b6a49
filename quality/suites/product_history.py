"""curated.product_history: the rows of a product follow upon each other, and one of them holds now."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, of_declaration
from quality.suites.rows import expect_no_rows
from shoplake.config import Lake
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What the history of products must satisfy before anybody sees it."""
    return [
        *of_declaration(table),
        expect_no_rows(
            "Each time of a product ends where the next one begins, and the last one holds now",
            """
            SELECT product_id, valid_from FROM (
                SELECT *, lead(valid_from) OVER (PARTITION BY product_id ORDER BY valid_from) AS next_from FROM {batch}
            ) WHERE NOT valid_to <=> next_from OR is_current <> (next_from IS NULL)
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "Each product has one row that holds now",
            "SELECT product_id FROM {batch} GROUP BY product_id HAVING count_if(is_current) <> 1",
            CRITICAL,
        ),
        expect_no_rows(
            "What holds now is what the catalogue says",
            """
            SELECT p.product_id FROM products p
            LEFT JOIN (SELECT * FROM {batch} WHERE is_current) h ON h.product_id = p.product_id
            WHERE NOT (h.name <=> p.name AND h.price <=> p.price AND h.cost <=> p.cost
                       AND h.category_path <=> p.category_path)
            """,
            CRITICAL,
        ),
        expect_no_rows(
            "A product of the catalogue has a name, a price and a currency; an inferred one has one row and no price",
            """
            SELECT product_id, valid_from FROM {batch}
            WHERE (NOT is_inferred AND (name IS NULL OR price IS NULL OR currency IS NULL))
               OR (is_inferred AND (price IS NOT NULL OR NOT is_current
                                    OR product_id IN (SELECT product_id FROM {batch} WHERE NOT is_inferred)))
            """,
            CRITICAL,
        ),
    ]
