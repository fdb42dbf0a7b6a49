module "notifications" {
  source = "../.."

  account = "111122223333"

  topics = {
    cost = {
      name     = "shop-dev-cost-alerts"
      arn      = "arn:aws:sns:us-east-1:111122223333:shop-dev-cost-alerts"
      emails   = ["finops@example.com"]
      phones   = ["+441234567890"]
      urls     = ["https://hooks.example.com/costs"]
      services = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]
    }
  }
}
