module "governance" {
  source = "../.."

  prefix          = "shop-dev-"
  account         = "111122223333"
  monthly_dollars = 50
  cost_topic_arn  = "arn:aws:sns:us-east-1:111122223333:shop-dev-cost-alerts"
  tags            = { Project = "shop", Environment = "dev" }

  roles = {
    analyst = {
      what = "Asks questions about curated tables."
      statements = [
        { sid = "ReadCurated", actions = ["s3:GetObject"], resources = ["arn:aws:s3:::shop-dev-lake/curated/*"] },
      ]
    }
  }
}
