"""A made-up shop of any size, written as the files that its systems would drop into raw/.

A reader follows one day through the modules in this order: `demand` (how many orders, when), `customers` and
`catalogue` (who and what), `orders` (baskets, later returns), `visits` (the clicks that led to them), `reviews`;
then `defects` and `forms` (dirt, in lines and in whole files), `writing` (parts, truth), all wired in `shop`.
Every figure that shapes the shop stands in `assumptions`.
"""

from generator.options import Options
from generator.shop import generate

__all__ = ["Options", "generate"]
