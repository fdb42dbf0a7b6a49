module "run_state" {
  source = "../.."

  tables = {
    files = {
      name          = "shop-dev-files"
      partition_key = "object_id"
      indexes       = { waiting = { partition_key = "waiting", sort_key = "waiting_since" } }
    }
    runs = { name = "shop-dev-runs", partition_key = "kind", sort_key = "id" }
  }

  secret = "shop-dev-personal-data-key"
}
