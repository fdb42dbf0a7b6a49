output "topics" {
  description = "Name and ARN of each topic, by the keys of the input."
  value       = { for key, topic in aws_sns_topic.this : key => { name = topic.name, arn = var.topics[key].arn } }

  # Budgets and the watch of costs try their topic when they are made.
  depends_on = [aws_sns_topic_policy.this]
}

output "subscriptions" {
  description = "Protocol and endpoint of each subscription. E-mail subscriptions wait until the reader confirms."
  value       = { for key, subscription in local._subscriptions : key => { protocol = subscription.protocol, endpoint = subscription.endpoint } }
}
