"""Robots by their user agent: the list of crawler-user-agents (MIT licence), and two habits of those not in it."""

import json
from functools import lru_cache
from importlib.resources import files

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

# A robot gives the address where it is described, "(+https://...)", or says what it is.
_HABITS = (r"\+https?:\/\/", r"(?i:crawler|spider)")


@lru_cache(maxsize=1)
def robot_pattern() -> str:
    """One regular expression that finds a robot in a user agent. Case matters, as the list asks for."""
    listed = json.loads(files("crawleruseragents").joinpath("crawler-user-agents.json").read_text())
    return "|".join([*_HABITS, *(entry["pattern"] for entry in listed)])


def with_robots(rows: DataFrame, user_agent: str, name: str) -> DataFrame:
    """The rows with a flag: whether their user agent is a robot's. A row without one is taken for a person's.

    1,500 patterns are tried once for each user agent, not for each row.
    """
    agents = rows.select(F.col(user_agent).alias("_robot")).where(F.col("_robot").isNotNull()).distinct()
    robots = F.broadcast(agents.where(F.col("_robot").rlike(robot_pattern())))
    found = rows.join(robots, on=F.col(user_agent) == F.col("_robot"), how="left")
    return found.withColumn(name, F.col("_robot").isNotNull()).drop("_robot")
