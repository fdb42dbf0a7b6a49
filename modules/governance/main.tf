# What the lake may cost, and what people may do: a budget, a watch for unusual costs, the roles that people take.

resource "aws_budgets_budget" "monthly" {
  name         = "${var.prefix}monthly"
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_dollars)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:Environment$%s", var.tags.Environment)]
  }

  dynamic "notification" {
    for_each = { ACTUAL = 80, FORECASTED = 100 }
    content {
      notification_type         = notification.key
      comparison_operator       = "GREATER_THAN"
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
      subscriber_sns_topic_arns = [var.cost_topic_arn]
    }
  }
}

# By tag, not by service: an account has one monitor of services, and environments may share it. All members of the
# expression are named, as AWS gives it back: else each plan would replace the monitor.
resource "aws_ce_anomaly_monitor" "this" {
  count = var.anomaly_dollars == null ? 0 : 1

  name         = "${var.prefix}costs"
  monitor_type = "CUSTOM"

  monitor_specification = jsonencode({
    And            = null
    CostCategories = null
    Dimensions     = null
    Not            = null
    Or             = null
    Tags           = { Key = "Environment", MatchOptions = null, Values = [var.tags.Environment] }
  })
}

resource "aws_ce_anomaly_subscription" "this" {
  count = var.anomaly_dollars == null ? 0 : 1

  name             = "${var.prefix}costs"
  frequency        = "IMMEDIATE"
  monitor_arn_list = [aws_ce_anomaly_monitor.this[0].arn]

  subscriber {
    type    = "SNS"
    address = var.cost_topic_arn
  }

  threshold_expression {
    dimension {
      key           = "ANOMALY_TOTAL_IMPACT_ABSOLUTE"
      match_options = ["GREATER_THAN_OR_EQUAL"]
      values        = [tostring(var.anomaly_dollars)]
    }
  }
}

# Whom the account lets take a role besides (sts:AssumeRole in their own policies). Sessions of single sign-on don't say
# whether there was a second factor, which is asked for where people sign in.
data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "WithASecondFactor"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${var.account}:root"]
    }

    condition {
      test     = "Bool"
      variable = "aws:MultiFactorAuthPresent"
      values   = ["true"]
    }
  }

  dynamic "statement" {
    for_each = length(var.trusted_arns) == 0 ? [] : [var.trusted_arns]
    content {
      sid     = "BySingleSignOn"
      actions = ["sts:AssumeRole"]

      principals {
        type        = "AWS"
        identifiers = ["arn:aws:iam::${var.account}:root"]
      }

      condition {
        test     = "ArnLike"
        variable = "aws:PrincipalArn"
        values   = statement.value
      }
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = var.roles

  name                 = "${var.prefix}${each.key}"
  description          = each.value.what
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 3600
}

data "aws_iam_policy_document" "this" {
  #checkov:skip=CKV_AWS_356:statements over all resources state their reason
  for_each = var.roles

  dynamic "statement" {
    for_each = each.value.statements
    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources

      dynamic "condition" {
        for_each = statement.value.conditions
        content {
          test     = "StringLike"
          variable = condition.key
          values   = condition.value
        }
      }
    }
  }
}

resource "aws_iam_role_policy" "this" {
  for_each = var.roles

  name   = "do-its-work"
  role   = aws_iam_role.this[each.key].id
  policy = data.aws_iam_policy_document.this[each.key].json
}
