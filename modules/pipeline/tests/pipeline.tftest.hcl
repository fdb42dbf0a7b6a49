mock_provider "aws" {}

variables {
  name       = "shop-dev-pipeline"
  role_name  = "shop-dev-pipeline"
  definition = "{\"StartAt\": \"Done\", \"States\": {\"Done\": {\"Type\": \"Succeed\"}}}"
  calls = {
    functions = ["arn:aws:lambda:us-east-1:111122223333:function:shop-dev-publish"]
    jobs      = ["arn:aws:glue:us-east-1:111122223333:job/shop-dev-orders"]
    crawlers  = ["arn:aws:glue:us-east-1:111122223333:crawler/shop-dev-raw-orders"]
    manifests = "arn:aws:s3:::shop-dev-lake/runs/*/manifest.jsonl"
  }
  arn_prefix = "arn:aws:states:us-east-1:111122223333"
  log        = { days = 7 }
}

run "plans_the_readmes_example" {
  command = plan

  module {
    source = "./tests/example"
  }
}

run "logs_errors_without_the_data_of_files" {
  command = plan

  assert {
    condition     = one(aws_sfn_state_machine.this.logging_configuration).level == "ERROR" && !one(aws_sfn_state_machine.this.logging_configuration).include_execution_data
    error_message = "Unless asked to, what people's files hold reaches no log."
  }
}

run "logs_everything_when_asked_to" {
  command = plan

  variables {
    log = { days = 30, level = "ALL", with_data = true }
  }

  assert {
    condition     = one(aws_sfn_state_machine.this.logging_configuration).level == "ALL" && aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "The level and the days are those that are asked for."
  }
}

run "is_a_standard_machine_that_is_traced" {
  command = plan

  assert {
    condition     = aws_sfn_state_machine.this.type == "STANDARD" && one(aws_sfn_state_machine.this.tracing_configuration).enabled
    error_message = "A run takes longer than an express execution may."
  }
}

run "calls_the_functions_and_jobs_that_it_names_and_no_others" {
  command = plan

  assert {
    condition     = [for statement in data.aws_iam_policy_document.this.statement : statement.resources if contains(statement.actions, "lambda:InvokeFunction")] == [toset(["arn:aws:lambda:us-east-1:111122223333:function:shop-dev-publish"])]
    error_message = "The machine calls its own functions."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.this.statement : statement.resources if contains(statement.actions, "glue:StartJobRun")] == [toset(["arn:aws:glue:us-east-1:111122223333:job/shop-dev-orders"])]
    error_message = "The machine starts its own jobs."
  }
}

run "starts_executions_of_itself_alone" {
  command = plan

  assert {
    condition     = [for statement in data.aws_iam_policy_document.this.statement : statement.resources if contains(statement.actions, "states:StartExecution")] == [toset(["arn:aws:states:us-east-1:111122223333:stateMachine:shop-dev-pipeline"])]
    error_message = "A distributed map starts executions of its own machine."
  }
}

run "refuses_a_placeholder_that_nobody_filled_and_to_call_any_function" {
  command = plan

  variables {
    definition = "{\"StartAt\": \"Done\", \"States\": {\"Done\": {\"Type\": \"Task\", \"Resource\": \"$${publish}\"}}}"
    calls      = merge(var.calls, { functions = ["arn:aws:lambda:us-east-1:111122223333:function:*"] })
    name       = "shop.dev.pipeline"
    log        = { days = 7, level = "DEBUG" }
  }

  expect_failures = [var.definition, var.calls, var.name, var.log]
}

run "refuses_a_definition_that_is_no_state_machine_and_days_that_logs_arent_kept" {
  command = plan

  variables {
    definition = "{\"StartAt\": "
    log        = { days = 8 }
  }

  expect_failures = [var.definition, var.log]
}
