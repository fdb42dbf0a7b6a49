module "catalog" {
  source = "../.."

  databases = {
    raw     = { name = "raw_dev", location = "s3://shop-dev-lake/raw/" }
    curated = { name = "curated_dev", location = "s3://shop-dev-lake/curated/" }
  }

  classifiers = {
    csv         = { name = "shop-dev-csv" }
    json-orders = { name = "shop-dev-json-orders", json_path = "$.orders[*]" }
  }

  crawlers = {
    orders = { name = "shop-dev-raw-orders", path = "s3://shop-dev-lake/raw/orders/", classifiers = ["json-orders", "csv"] }
  }

  role_name    = "shop-dev-crawlers"
  bucket_arn   = "arn:aws:s3:::shop-dev-lake"
  arn_prefixes = { glue = "arn:aws:glue:us-east-1:111122223333", logs = "arn:aws:logs:us-east-1:111122223333" }
}
