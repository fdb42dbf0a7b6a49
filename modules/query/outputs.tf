output "workgroup" {
  description = "Name and ARN of the workgroup."
  value       = { name = aws_athena_workgroup.this.name, arn = aws_athena_workgroup.this.arn }
}

output "queries" {
  description = "Id of each named query, by its name."
  value       = { for name, query in aws_athena_named_query.this : name => query.id }
}
