output "functions" {
  description = "Name, ARN, role and log group of each function, by the keys of the input."
  value = {
    for key, function in aws_lambda_function.this : key => {
      name      = function.function_name
      arn       = function.arn
      role_arn  = aws_iam_role.this[key].arn
      log_group = aws_cloudwatch_log_group.this[key].name
    }
  }
}

output "statements" {
  description = "What each function's role allows besides logs and traces."
  value       = { for key, function in var.functions : key => function.statements }
}
