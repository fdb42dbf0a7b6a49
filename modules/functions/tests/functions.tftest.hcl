mock_provider "aws" {}

variables {
  functions = {
    dispatcher = {
      name      = "shop-dev-dispatcher"
      does      = "Starts runs"
      memory_mb = 256
      timeout_s = 120
      package   = { path = "build/functions/dispatcher.zip", key = "functions/dispatcher.zip", sha256_base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
      statements = [
        { sid = "StartRuns", actions = ["states:StartExecution"], resources = ["arn:aws:states:us-east-1:111122223333:stateMachine:shop-dev-pipeline"] },
        { sid = "ListRaw", actions = ["s3:ListBucket"], resources = ["arn:aws:s3:::shop-dev-lake"], conditions = { "s3:prefix" = ["raw/*"] } },
      ]
    }
    notify = {
      name      = "shop-dev-notify"
      does      = "Sends e-mails"
      memory_mb = 512
      timeout_s = 300
      package   = { path = "build/functions/notify.zip", key = "functions/notify.zip", sha256_base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
    }
  }
  artifacts_bucket = "shop-dev-artifacts"
  runtime          = "python3.13"
  architecture     = "arm64"
  log_days         = 7
  environment      = { SHOP_ENV = "dev" }
  arn_prefixes     = { logs = "arn:aws:logs:us-east-1:111122223333" }
}

run "plans_the_readmes_example" {
  command = plan

  module {
    source = "./tests/example"
  }
}

run "gives_each_function_a_role_of_its_own" {
  command = plan

  assert {
    condition     = { for key, role in aws_iam_role.this : key => role.name } == { dispatcher = "shop-dev-dispatcher", notify = "shop-dev-notify" }
    error_message = "No two functions share a role."
  }

  assert {
    condition     = !anytrue([for statement in data.aws_iam_policy_document.this["notify"].statement : contains(statement.actions, "states:StartExecution")])
    error_message = "What one function may do, another may not."
  }
}

run "lets_a_function_write_its_own_log_alone" {
  command = plan

  assert {
    condition     = [for statement in data.aws_iam_policy_document.this["notify"].statement : statement.resources if statement.sid == "WriteLogs"] == [toset(["arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/shop-dev-notify:*"])]
    error_message = "A function's log is its own."
  }
}

run "binds_a_listing_to_its_prefixes" {
  command = plan

  assert {
    condition     = [for statement in data.aws_iam_policy_document.this["dispatcher"].statement : one(statement.condition).values if statement.sid == "ListRaw"] == [tolist(["raw/*"])]
    error_message = "The condition of a statement reaches its policy."
  }
}

run "tells_a_function_its_own_name_and_keeps_its_log" {
  command = plan

  assert {
    condition     = one(aws_lambda_function.this["notify"].environment).variables == tomap({ SHOP_ENV = "dev", POWERTOOLS_SERVICE_NAME = "notify" })
    error_message = "Logs and traces bear the function's short name."
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.retention_in_days == 7])
    error_message = "Logs are kept for the days that are asked for."
  }
}

run "deploys_a_package_when_its_hash_differs" {
  command = plan

  assert {
    condition     = aws_lambda_function.this["dispatcher"].source_code_hash == aws_s3_object.package["dispatcher"].source_hash
    error_message = "The upload and the function look at the same hash."
  }
}

run "shares_a_layer_where_there_is_one" {
  command = plan

  variables {
    layer = { name = "shop-dev-packages", path = "build/layer.zip", key = "layers/packages.zip", sha256_base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
  }

  assert {
    condition     = one(aws_lambda_layer_version.this).compatible_architectures == toset(["arm64"]) && length(aws_lambda_layer_version.this) == 1
    error_message = "The layer is for the functions' processor."
  }
}

run "joins_a_network_where_there_is_one" {
  command = plan

  variables {
    network = { subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"] }
  }

  assert {
    condition     = alltrue([for function in aws_lambda_function.this : one(function.vpc_config).subnet_ids == toset(["subnet-1", "subnet-2"])])
    error_message = "All functions are in the network."
  }
}

run "refuses_an_action_with_a_star_and_a_runtime_that_isnt_python" {
  command = plan

  variables {
    functions = { notify = merge(var.functions.notify, { statements = [{ sid = "All", actions = ["s3:*"], resources = ["arn:aws:s3:::shop-dev-lake/*"] }] }) }
    runtime   = "nodejs22.x"
  }

  expect_failures = [var.functions, var.runtime]
}

run "refuses_all_resources_without_a_reason_and_a_processor_that_lambda_doesnt_have" {
  command = plan

  variables {
    functions    = { notify = merge(var.functions.notify, { statements = [{ sid = "Metrics", actions = ["cloudwatch:PutMetricData"], resources = ["*"] }] }) }
    architecture = "riscv"
  }

  expect_failures = [var.functions, var.architecture]
}

run "refuses_a_function_that_runs_longer_than_lambda_lets_it_and_days_that_logs_arent_kept" {
  command = plan

  variables {
    functions = { notify = merge(var.functions.notify, { timeout_s = 901 }) }
    log_days  = 0
  }

  expect_failures = [var.functions, var.log_days]
}

run "refuses_less_memory_than_lambda_gives" {
  command = plan

  variables {
    functions = { notify = merge(var.functions.notify, { memory_mb = 127 }) }
  }

  expect_failures = [var.functions]
}

run "refuses_more_disk_than_lambda_gives" {
  command = plan

  variables {
    functions = { notify = merge(var.functions.notify, { ephemeral_mb = 10241 }) }
  }

  expect_failures = [var.functions]
}

run "refuses_a_name_that_lambda_wouldnt_take" {
  command = plan

  variables {
    functions = { notify = merge(var.functions.notify, { name = "shop.dev.notify" }) }
  }

  expect_failures = [var.functions]
}
