output "tables" {
  description = "Name and ARN of each table, by the keys of the input."
  value       = { for key, table in aws_dynamodb_table.this : key => { name = table.name, arn = table.arn } }
}

output "secret" {
  description = "The secret with the key of personal data."
  value       = { name = aws_secretsmanager_secret.personal_data.name, arn = aws_secretsmanager_secret.personal_data.arn }
}
