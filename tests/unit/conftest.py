"""Fixtures of the unit tests: one Spark session, with Iceberg tables in a local folder and without AWS."""

import os
import sys

import pytest


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    """A local session with the lake's own settings; the catalog that jobs use is a folder."""
    from pyspark.sql import SparkSession

    from local.jars import jar_paths
    from local.java import java_environment
    from local.spark.process import JVM_OPTIONS
    from shoplake.inventory import load_inventory

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
            "spark.driver.extraClassPath": os.pathsep.join(map(str, jar_paths())),
            "spark.driver.extraJavaOptions": JVM_OPTIONS,
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.catalog.glue_catalog": "org.apache.iceberg.spark.SparkCatalog",
            "spark.sql.catalog.glue_catalog.type": "hadoop",
            "spark.sql.catalog.glue_catalog.warehouse": str(tmp_path_factory.mktemp("warehouse")),
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
        }
        session = builder.config(map=settings).getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()
