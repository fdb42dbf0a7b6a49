module "monitoring" {
  source = "../.."

  alarms = {
    shop-dev-dead-letters = {
      metric      = ["AWS/SQS", "ApproximateNumberOfMessagesVisible"]
      dimensions  = { QueueName = "shop-dev-arrivals-dead-letters" }
      statistic   = "Maximum"
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 1
      period_s    = 300
      missing     = "notBreaching"
      topic_arn   = "arn:aws:sns:us-east-1:111122223333:shop-dev-notifications"
      description = "Notifications could not be handled. Next: read the messages."
    }
  }

  dashboards = {
    shop-dev-cost = jsonencode({ widgets = [{ type = "text", x = 0, y = 0, width = 24, height = 2, properties = { markdown = "## Cost" } }] })
  }

  log_metrics = {
    shop-dev-dispatcher-ended-by-lambda = {
      log_group = "/aws/lambda/shop-dev-dispatcher"
      pattern   = "\"Task timed out\""
      metric    = ["Shop", "FunctionEndedByLambda"]
    }
  }
}
