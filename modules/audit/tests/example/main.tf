module "audit" {
  source = "../.."

  name      = "shop-dev-audit"
  bucket    = "shop-dev-audit-111122223333"
  trail_arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/shop-dev-audit"
  watched   = ["arn:aws:s3:::shop-dev-lake-111122223333"]
  account   = "111122223333"
  kept_days = 90
}
