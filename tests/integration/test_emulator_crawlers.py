"""Gap crawlers: a crawler really reads files and leaves the raw table, its partitions and its outcome behind."""

import gzip
import json
import time
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ORDERS = "order_id,product,quantity,price\nA-1,Cup,2,2.50\nA-2,Pot,1,9\n"
MORE = "order_id,product,quantity,price,coupon\nA-3,Lid,1,1.25,SPRING\n"
QUOTED_CSV = {"ContainsHeader": "PRESENT", "QuoteSymbol": '"', "Delimiter": ",", "Serde": "OpenCSVSerDe"}


class Place:
    """A prefix of a bucket, a database of its own, and a crawler on them."""

    def __init__(self, aws, eventually, **settings):
        self.aws, self.eventually = aws, eventually
        self.id = uuid.uuid4().hex[:8]
        self.bucket, self.database, self.crawler = f"bucket-{self.id}", f"raw_{self.id}", f"crawler-{self.id}"
        aws("s3").create_bucket(Bucket=self.bucket)
        aws("glue").create_database(DatabaseInput={"Name": self.database})
        aws("glue").create_crawler(
            Name=self.crawler,
            Role="arn:aws:iam::000000000000:role/crawler",
            DatabaseName=self.database,
            Targets={"S3Targets": [{"Path": f"s3://{self.bucket}/raw/orders/"}]},
            **settings,
        )

    def put(self, name: str, content: bytes | str) -> None:
        body = content.encode() if isinstance(content, str) else content
        self.aws("s3").put_object(Bucket=self.bucket, Key=f"raw/orders/{name}", Body=body)

    def crawl(self) -> dict:
        self.aws("glue").start_crawler(Name=self.crawler)
        self.eventually(lambda: self.about()["State"] == "READY")
        return self.about()["LastCrawl"]

    def about(self) -> dict:
        return self.aws("glue").get_crawler(Name=self.crawler)["Crawler"]

    @property
    def tables(self) -> list[str]:
        return [table["Name"] for table in self.aws("glue").get_tables(DatabaseName=self.database)["TableList"]]

    @property
    def table(self) -> dict:
        return self.aws("glue").get_table(DatabaseName=self.database, Name="orders")["Table"]

    @property
    def columns(self) -> dict[str, str]:
        return {column["Name"]: column["Type"] for column in self.table["StorageDescriptor"]["Columns"]}

    @property
    def partitions(self) -> dict[tuple, str]:
        found = self.aws("glue").get_partitions(DatabaseName=self.database, TableName="orders")["Partitions"]
        return {tuple(p["Values"]): p["StorageDescriptor"]["Location"] for p in found}


@pytest.fixture
def place(aws, eventually):
    return lambda **settings: Place(aws, eventually, **settings)


def test_a_crawl_leaves_the_table_that_the_files_make(place):
    orders = place()
    orders.put("a.csv", ORDERS)
    crawl = orders.crawl()
    assert (crawl["Status"], crawl["LogGroup"], crawl["LogStream"]) == (
        "SUCCEEDED",
        "/aws-glue/crawlers",
        orders.crawler,
    )
    assert orders.columns == {"order_id": "string", "product": "string", "quantity": "bigint", "price": "double"}
    storage, parameters = orders.table["StorageDescriptor"], orders.table["Parameters"]
    assert storage["Location"] == f"s3://{orders.bucket}/raw/orders/"
    assert storage["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "Parameters": {"field.delim": ","},
    }
    told = ("classification", "compressionType", "delimiter", "skip.header.line.count", "objectCount", "typeOfData")
    assert [parameters[name] for name in told] == ["csv", "none", ",", "1", "1", "file"]
    assert parameters["UPDATED_BY_CRAWLER"] == orders.crawler
    assert (orders.table["PartitionKeys"], orders.partitions) == ([], {})


def test_a_csv_classifier_says_which_serde_reads_the_table(place, aws):
    aws("glue").create_classifier(CsvClassifier={"Name": (name := f"csv-{uuid.uuid4().hex[:8]}"), **QUOTED_CSV})
    orders = place(Classifiers=[name])
    orders.put("a.csv", 'category_id,name\nC-1,"Cups, pots"\n')
    orders.crawl()
    assert orders.columns == {"category_id": "string", "name": "string"}
    assert orders.table["StorageDescriptor"]["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        "Parameters": {"separatorChar": ",", "quoteChar": '"'},
    }


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_found(place, delimiter):
    orders = place()
    orders.put("a.csv", ORDERS.replace(",", delimiter))
    orders.crawl()
    assert orders.table["Parameters"]["delimiter"] == delimiter
    assert list(orders.columns) == ["order_id", "product", "quantity", "price"]


LINES = '{"id": 1, "price": 2.5, "tags": ["a"], "maker": {"Name": "x"}}\n{"id": 2, "price": 3, "gift": true}\n'
JSON_COLUMNS = {
    "id": "int",
    "price": "double",
    "tags": "array<string>",
    "maker": "struct<name:string>",
    "gift": "boolean",
}


def array_of(lines: str) -> str:
    return json.dumps([json.loads(line) for line in lines.splitlines()], indent=1)


@pytest.mark.parametrize("content", [LINES, array_of(LINES), gzip.compress(LINES.encode(), mtime=0)])
def test_json_lines_and_arrays_are_read_unpacked_too(place, aws, content):
    name = f"json-{uuid.uuid4().hex[:8]}"
    aws("glue").create_classifier(JsonClassifier={"Name": name, "JsonPath": "$[*]"})
    orders = place(Classifiers=[name])
    orders.put("a.json", content)
    orders.crawl()
    assert orders.columns == JSON_COLUMNS
    assert orders.table["StorageDescriptor"]["SerdeInfo"] == {
        "SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe",
        "Parameters": {"paths": "id,price,tags,maker,gift"},
    }
    assert orders.table["Parameters"]["compressionType"] == ("gzip" if isinstance(content, bytes) else "none")


def test_parquet_keeps_its_own_types(place, tmp_path):
    table = pa.table({"Id": pa.array([1], pa.int64()), "price": pa.array([1.5]), "name": ["x"]})
    pq.write_table(table, tmp_path / "a.parquet")
    orders = place()
    orders.put("a.parquet", (tmp_path / "a.parquet").read_bytes())
    orders.crawl()
    assert orders.columns == {"id": "bigint", "price": "double", "name": "string"}
    assert "ParquetHiveSerDe" in orders.table["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"]


def test_folders_become_partitions_and_later_ones_are_added(place):
    orders = place()
    orders.put("source=web/date=2025-01-01/a.csv", ORDERS)
    orders.crawl()
    assert [key["Name"] for key in orders.table["PartitionKeys"]] == ["source", "date"]
    orders.put("source=web/date=2025-01-02/b.csv", MORE)
    orders.crawl()
    root = f"s3://{orders.bucket}/raw/orders/source=web"
    assert orders.partitions == {
        ("web", "2025-01-01"): f"{root}/date=2025-01-01/",
        ("web", "2025-01-02"): f"{root}/date=2025-01-02/",
    }
    assert list(orders.columns) == ["order_id", "product", "quantity", "price", "coupon"]


def test_a_column_that_holds_numbers_and_text_is_a_string(place):
    orders = place()
    orders.put("a.csv", ORDERS)
    orders.crawl()
    orders.put("b.csv", ORDERS.replace("9", "nine"))
    orders.crawl()
    assert orders.columns["price"] == "string"


def test_what_no_classifier_knows_is_passed_over(place):
    orders = place()
    orders.put("a.csv", ORDERS)
    for name, content in {
        "binary.csv": bytes(range(256)) * 20,
        "torn.csv.gz": b"\x1f\x8b broken",
        "utf16.csv": ORDERS.encode("utf-16"),
        "_hidden.csv": "x,y\n1,2\n",
        "folder/": b"",
    }.items():
        orders.put(name, content)
    assert orders.crawl()["Status"] == "SUCCEEDED"
    assert list(orders.columns) == ["order_id", "product", "quantity", "price"]


def test_of_very_many_files_the_newest_are_read_and_columns_of_the_others_stay_in_their_place(place, monkeypatch):
    from local.crawling import crawl

    orders = place()
    orders.put("a.csv", "old,id\nx,1\n")
    orders.crawl()
    monkeypatch.setattr(crawl, "MAX_FILES", 2)
    time.sleep(1.1)  # objects are told apart by the second
    for name in ("b.csv", "c.csv"):
        orders.put(name, "id,new\n2.5,y\n")
    orders.crawl()
    assert list(orders.columns.items()) == [("old", "string"), ("id", "double"), ("new", "string")]


def test_a_prefix_without_files_makes_no_table(place):
    orders = place()
    assert orders.crawl()["Status"] == "SUCCEEDED"
    assert orders.tables == []


def test_iceberg_tables_under_the_target_are_left_alone(place, aws):
    orders = place()
    iceberg = {
        "Name": "lake_table",
        "Parameters": {"table_type": "ICEBERG"},
        "StorageDescriptor": {"Location": f"s3://{orders.bucket}/raw/orders/lake_table"},
    }
    aws("glue").create_table(DatabaseName=orders.database, TableInput=iceberg)
    orders.put("lake_table/data/a.csv", "x,y\n1,2\n")
    orders.put("a.csv", ORDERS)
    orders.crawl()
    assert "x" not in orders.columns
    assert orders.table["PartitionKeys"] == []


def test_a_policy_of_log_leaves_the_table_as_it_is(place):
    orders = place(SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"})
    orders.put("a.csv", ORDERS)
    orders.crawl()
    orders.put("b.csv", MORE)
    assert orders.crawl()["Status"] == "SUCCEEDED"
    assert "coupon" not in orders.columns


def test_new_folders_only_adds_partitions_and_no_columns(place):
    policy = {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}
    orders = place(RecrawlPolicy=policy, SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"})
    orders.put("date=2025-01-01/a.csv", ORDERS)
    orders.crawl()
    orders.put("date=2025-01-02/b.csv", MORE)
    orders.crawl()
    assert set(orders.partitions) == {("2025-01-01",), ("2025-01-02",)}
    assert "coupon" not in orders.columns


def test_the_metrics_count_tables_created_and_updated(place, aws):
    orders = place()
    for name, content in {"a.csv": ORDERS, "b.csv": MORE, "c.csv": MORE}.items():
        orders.put(name, content)
        orders.crawl()
    (metrics,) = aws("glue").get_crawler_metrics(CrawlerNameList=[orders.crawler])["CrawlerMetricsList"]
    assert (metrics["TablesCreated"], metrics["TablesUpdated"], metrics["TablesDeleted"]) == (1, 1, 0)


def test_a_crawl_that_fails_says_why_and_the_crawler_is_ready_again(place, aws):
    orders = place()
    orders.put("a.csv", ORDERS)
    aws("glue").delete_database(Name=orders.database)
    crawl = orders.crawl()
    assert crawl["Status"] == "FAILED"
    assert orders.database in crawl["ErrorMessage"]


@pytest.fixture
def slow_reads(monkeypatch):
    """Every file takes a while to look into."""
    from local.crawling import crawl

    def shape(*arguments):
        time.sleep(0.2)
        return stock(*arguments)

    stock = crawl.shape_of
    monkeypatch.setattr(crawl, "shape_of", shape)


def test_a_running_crawler_is_not_started_twice_and_can_be_stopped(place, aws, eventually, slow_reads):
    orders, glue = place(), aws("glue")
    for n in range(20):
        orders.put(f"{n}.csv", ORDERS)
    glue.start_crawler(Name=orders.crawler)
    assert orders.about()["State"] == "RUNNING"
    with pytest.raises(glue.exceptions.CrawlerRunningException):
        glue.start_crawler(Name=orders.crawler)
    glue.stop_crawler(Name=orders.crawler)
    eventually(lambda: orders.about()["State"] == "READY")
    assert orders.about()["LastCrawl"]["Status"] == "CANCELLED"
    assert orders.tables == []
    with pytest.raises(glue.exceptions.CrawlerNotRunningException):
        glue.stop_crawler(Name=orders.crawler)
