output "alarms" {
  description = "ARN of each alarm, by its full name."
  value       = { for name, alarm in aws_cloudwatch_metric_alarm.this : name => alarm.arn }
}

output "dashboards" {
  description = "Names of the dashboards."
  value       = keys(aws_cloudwatch_dashboard.this)
}
