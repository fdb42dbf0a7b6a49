module "query" {
  source = "../.."

  workgroup      = "shop-dev-lake"
  results        = "s3://shop-dev-lake/athena-results/"
  max_scanned_gb = 10

  queries = {
    revenue-by-day = {
      description = "Revenue by day."
      database    = "curated_dev"
      sql         = "SELECT order_day, sum(net_amount) FROM curated_dev.sales GROUP BY order_day"
    }
  }
}
