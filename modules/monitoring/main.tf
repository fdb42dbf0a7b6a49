# What is watched: alarms, dashboards, and what logs are searched for. All of it is declared under monitoring/.

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = var.alarms

  alarm_name          = each.key
  alarm_description   = each.value.description
  namespace           = each.value.metric[0]
  metric_name         = each.value.metric[1]
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period_s
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = each.value.comparison
  treat_missing_data  = each.value.missing
  alarm_actions       = each.value.topic_arn == null ? [] : [each.value.topic_arn]
}

resource "aws_cloudwatch_dashboard" "this" {
  for_each = var.dashboards

  dashboard_name = each.key
  dashboard_body = each.value
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = var.log_metrics

  name           = each.key
  log_group_name = each.value.log_group
  pattern        = each.value.pattern

  metric_transformation {
    namespace = each.value.metric[0]
    name      = each.value.metric[1]
    value     = "1"
    unit      = "Count"
  }
}
