module "lake_storage" {
  source = "../.."

  buckets = {
    lake      = "shop-dev-lake-111122223333"
    artifacts = "shop-dev-artifacts-111122223333"
    logs      = "shop-dev-logs-111122223333"
  }

  zones = {
    raw            = { prefix = "raw/", kept_days = 365, intelligent_after_days = 30, archive_after_days = 90, keeps_versions = true }
    curated        = { prefix = "curated/", holds_tables = true }
    athena_results = { prefix = "athena-results/", kept_days = 7 }
  }
}
