output "roles" {
  description = "Name and ARN of the roles that people take, by the keys of the input."
  value       = { for key, role in aws_iam_role.this : key => { name = role.name, arn = role.arn } }
}

output "budget" {
  description = "The budget's name and limit in US dollars."
  value       = { name = aws_budgets_budget.monthly.name, monthly_dollars = var.monthly_dollars }
}
