output "jobs" {
  description = "Name, ARN and role of each job, by the keys of the input."
  value = {
    for key, job in aws_glue_job.this : key => { name = job.name, arn = job.arn, role_arn = aws_iam_role.this[key].arn }
  }
}

output "log_groups" {
  description = "Log groups of all jobs' output and errors."
  value       = { for kind, group in aws_cloudwatch_log_group.this : kind => group.name }
}

output "statements" {
  description = "What each job's role allows besides its code, logs and metrics."
  value       = { for key, job in var.jobs : key => job.statements }
}
