module "jobs" {
  source = "../.."

  jobs = {
    orders = {
      name        = "shop-dev-orders"
      timeout_min = 60
      script      = { path = "build/jobs/orders.py", key = "jobs/orders.py", sha256_base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
      statements = [
        { sid = "WriteItsTable", actions = ["s3:GetObject", "s3:PutObject"], resources = ["arn:aws:s3:::shop-dev-lake/processed/orders/*"] },
      ]
    }
  }

  artifacts_bucket = "shop-dev-artifacts"
  glue_version     = "5.1"
  worker           = { type = "G.1X", number = 2 }
  wheel            = { path = "build/wheels/shop.whl", key = "wheels/shop.whl", sha256_base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
  spark_settings   = { "spark.sql.session.timeZone" = "UTC", "spark.sql.shuffle.partitions" = "16" }
  arguments        = { "--env" = "dev" }
  log_days         = 30
  log_group_prefix = "/aws-glue/shop-dev"
  arn_prefixes     = { glue = "arn:aws:glue:us-east-1:111122223333", logs = "arn:aws:logs:us-east-1:111122223333" }
}
