mock_provider "aws" {}

variables {
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

run "plans_the_readmes_example" {
  command = plan

  module {
    source = "./tests/example"
  }
}

run "tells_of_costs_before_the_budget_is_spent" {
  command = plan

  assert {
    condition     = { for notification in aws_budgets_budget.monthly.notification : notification.notification_type => notification.threshold } == { ACTUAL = 80, FORECASTED = 100 }
    error_message = "At 80 % of what was spent, and when more than all is forecast."
  }

  assert {
    condition     = aws_budgets_budget.monthly.limit_amount == "50" && one(aws_budgets_budget.monthly.cost_filter).values == tolist(["user:Environment$dev"])
    error_message = "The budget is of this environment alone."
  }
}

run "watches_the_costs_of_its_own_tag_where_that_is_asked_for" {
  command = plan

  variables {
    anomaly_dollars = 10
  }

  assert {
    condition     = aws_ce_anomaly_monitor.this[0].monitor_type == "CUSTOM" && jsondecode(aws_ce_anomaly_monitor.this[0].monitor_specification).Tags.Values == ["dev"]
    error_message = "An account has one monitor of services; this one is of a tag."
  }

  assert {
    condition     = length(jsondecode(aws_ce_anomaly_monitor.this[0].monitor_specification)) == 6
    error_message = "An expression without all its members is replaced at each deployment."
  }
}

run "watches_no_costs_where_an_organization_alone_may" {
  command = plan

  assert {
    condition     = length(aws_ce_anomaly_monitor.this) == 0 && length(aws_ce_anomaly_subscription.this) == 0
    error_message = "An account in an organization can't watch costs by tag: the first deployment would fail."
  }
}

run "lets_sessions_of_single_sign_on_take_a_role" {
  command = plan

  variables {
    trusted_arns = ["arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com*/AWSReservedSSO_DataTeam_*"]
  }

  assert {
    condition = one(data.aws_iam_policy_document.trust.statement[1].condition) == {
      test     = "ArnLike"
      variable = "aws:PrincipalArn"
      values   = tolist(["arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com*/AWSReservedSSO_DataTeam_*"])
    }
    error_message = "They are told by the role that single sign-on gives them, with its region in its name or without."
  }
}

run "asks_people_for_a_second_factor" {
  command = plan

  assert {
    condition     = length(data.aws_iam_policy_document.trust.statement) == 1 && one(data.aws_iam_policy_document.trust.statement[0].condition).variable == "aws:MultiFactorAuthPresent"
    error_message = "Nobody takes a role by a password alone."
  }
}

run "lets_a_session_last_an_hour" {
  command = plan

  assert {
    condition     = alltrue([for role in aws_iam_role.this : role.max_session_duration == 3600])
    error_message = "A session ends after an hour."
  }
}

run "refuses_a_role_that_may_do_anything_and_a_budget_of_nothing" {
  command = plan

  variables {
    roles           = { admin = { what = "Everything.", statements = [{ sid = "All", actions = ["*"], resources = ["arn:aws:s3:::shop-dev-lake"] }] } }
    monthly_dollars = 0
    account         = "1111-2222-3333"
  }

  expect_failures = [var.roles, var.monthly_dollars, var.account]
}

run "refuses_all_resources_without_a_reason_and_an_anomaly_of_nothing" {
  command = plan

  variables {
    roles           = { admin = { what = "Sees alarms.", statements = [{ sid = "SeeAlarms", actions = ["cloudwatch:DescribeAlarms"], resources = ["*"] }] } }
    anomaly_dollars = 0
  }

  expect_failures = [var.roles, var.anomaly_dollars]
}

run "refuses_to_trust_what_is_no_role" {
  command = plan

  variables {
    trusted_arns    = ["*"]
    anomaly_dollars = 0
  }

  expect_failures = [var.trusted_arns, var.anomaly_dollars]
}
