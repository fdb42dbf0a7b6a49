output "state_machine" {
  description = "Name, ARN, role and log group of the state machine."
  value = {
    name      = aws_sfn_state_machine.this.name
    arn       = aws_sfn_state_machine.this.arn
    role_arn  = aws_iam_role.this.arn
    log_group = aws_cloudwatch_log_group.this.name
  }
}
