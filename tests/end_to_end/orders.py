"""Small order files, made for one test each."""

from pathlib import Path

HEADER = "order_id,product_id,product_name,quantity,unit_price,ordered_at,customer_id,country"


def order_line(order: str, name: str = "Cup", quantity: object = 2, price: object = "2.50") -> str:
    return f"{order},P-1,{name},{quantity},{price},2024-03-01 10:00:00,C-7,France"


def csv_text(*lines: str) -> str:
    return "\n".join([HEADER, *lines]) + "\n"


def orders_file(folder: Path, name: str, orders: int = 3) -> Path:
    """A good file of orders `{name}-1`, `{name}-2` and so on, a line each."""
    file = folder / f"{name}.csv"
    file.write_text(csv_text(*(order_line(f"{name}-{n}") for n in range(1, orders + 1))))
    return file
