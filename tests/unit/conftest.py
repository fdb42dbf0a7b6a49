"""Fixtures of the unit tests: one Spark session, without Iceberg and without AWS."""

import sys

import pytest


@pytest.fixture(scope="session")
def spark():
    """A local session with the lake's own settings."""
    from pyspark.sql import SparkSession

    from local.java import java_environment
    from shoplake.config import load_inventory

    with pytest.MonkeyPatch.context() as patch:
        for name, value in java_environment().items():
            patch.setenv(name, value)
        patch.setenv("PYSPARK_PYTHON", sys.executable)  # of the workers that run Python functions
        builder = SparkSession.builder.master("local[2]").appName("unit tests")
        settings = {
            **load_inventory().spark,
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "1g",
            "spark.sql.shuffle.partitions": "2",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
        }
        session = builder.config(map=settings).getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()
