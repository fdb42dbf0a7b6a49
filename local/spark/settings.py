"""What local Spark is told, beside what each job sets for itself with --conf."""

import os

# Two cores are the machine that the lake is promised to run on; more than four gain nothing on small data.
CORES = min(4, os.cpu_count() or 2)
S3A_CREDENTIALS = "com.amazonaws.auth.EnvironmentVariableCredentialsProvider"


def spark_settings(endpoint: str, warehouse: str | None) -> dict[str, str]:
    """Spark's settings for an emulator at `endpoint` (http://127.0.0.1:port).

    `warehouse` (s3://bucket/) is where the catalog puts tables that neither name a location nor live in
    a database that has one. Credentials and region come from the environment, as on AWS.
    """
    settings = {
        "spark.master": f"local[{CORES}]",
        "spark.app.name": "glue-jobs",
        "spark.driver.memory": "1536m",  # the whole lake is promised to fit into 4 GB
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.scheduler.mode": "FAIR",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalogImplementation": "in-memory",
        # The Glue catalog, as on AWS, with its two endpoints on this machine.
        "spark.sql.catalog.glue_catalog": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.glue_catalog.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
        "spark.sql.catalog.glue_catalog.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "spark.sql.catalog.glue_catalog.glue.endpoint": endpoint,
        "spark.sql.catalog.glue_catalog.s3.endpoint": endpoint,
        "spark.sql.catalog.glue_catalog.s3.path-style-access": "true",
        # Hadoop's S3A reads s3://, as from Glue 5.1 on: docs.aws.amazon.com/glue/latest/dg/migrating-version-51.html
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3a.endpoint": endpoint,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
        # What S3A does from Hadoop 3.4 on; before, it deletes markers of folders up to the bucket's root.
        "spark.hadoop.fs.s3a.directory.marker.retention": "keep",
        "spark.hadoop.fs.s3a.aws.credentials.provider": S3A_CREDENTIALS,
    }
    if warehouse:
        settings["spark.sql.catalog.glue_catalog.warehouse"] = warehouse
    return settings


def parse_conf_argument(value: str) -> dict[str, str]:
    """Settings of a Glue job's `--conf` argument: `key=value --conf key2=value2`.

    Raises ValueError naming a part that is no `key=value`.
    """
    settings = {}
    for part in value.split("--conf"):
        if not part.strip():
            continue
        key, separator, setting = part.strip().partition("=")
        if not separator or not key:
            raise ValueError(f"--conf {part.strip()!r} is not of the form key=value")
        settings[key.strip()] = setting.strip()
    return settings
