mock_provider "aws" {}

variables {
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

run "plans_the_readmes_example" {
  command = plan

  module {
    source = "./tests/example"
  }
}

run "tells_the_topic_of_an_alarm" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["shop-dev-dead-letters"].alarm_actions == toset(["arn:aws:sns:us-east-1:111122223333:shop-dev-notifications"])
    error_message = "An alarm with a topic tells it."
  }
}

run "stays_silent_where_the_runs_email_says_it" {
  command = plan

  variables {
    alarms = {
      shop-dev-job-failures = {
        metric      = ["Shop", "JobRunsFailed"]
        dimensions  = {}
        statistic   = "Sum"
        comparison  = "GreaterThanOrEqualToThreshold"
        threshold   = 1
        period_s    = 300
        missing     = "notBreaching"
        description = "A job failed. Next: look at the run."
      }
    }
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this["shop-dev-job-failures"].alarm_actions) == 0
    error_message = "One event makes one e-mail."
  }
}

run "counts_lines_of_logs" {
  command = plan

  assert {
    condition     = one(aws_cloudwatch_log_metric_filter.this["shop-dev-dispatcher-ended-by-lambda"].metric_transformation).name == "FunctionEndedByLambda"
    error_message = "A filter counts into its metric."
  }
}

run "keeps_a_dashboards_body_as_it_is" {
  command = plan

  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.this["shop-dev-cost"].dashboard_body).widgets[0].type == "text"
    error_message = "The dashboard is the one that was declared."
  }
}

run "refuses_an_alarm_that_doesnt_say_what_to_do_and_a_dashboard_that_is_no_json" {
  command = plan

  variables {
    alarms     = { dead-letters = merge(var.alarms.shop-dev-dead-letters, { description = "Notifications could not be handled." }) }
    dashboards = { shop-dev-cost = "{\"widgets\": [," }
  }

  expect_failures = [var.alarms, var.dashboards]
}

run "refuses_periods_of_more_than_a_day" {
  command = plan

  variables {
    alarms = { dead-letters = merge(var.alarms.shop-dev-dead-letters, { period_s = 86400, periods = 7 }) }
  }

  expect_failures = [var.alarms]
}

run "refuses_a_statistic_that_cloudwatch_doesnt_have" {
  command = plan

  variables {
    alarms = { dead-letters = merge(var.alarms.shop-dev-dead-letters, { statistic = "Median" }) }
  }

  expect_failures = [var.alarms]
}

run "refuses_a_meaning_of_missing_data_that_cloudwatch_doesnt_have" {
  command = plan

  variables {
    alarms = { dead-letters = merge(var.alarms.shop-dev-dead-letters, { missing = "fine" }) }
  }

  expect_failures = [var.alarms]
}

run "refuses_a_name_that_is_too_long" {
  command = plan

  variables {
    alarms = { (format("%0256d", 1)) = var.alarms.shop-dev-dead-letters }
  }

  expect_failures = [var.alarms]
}
