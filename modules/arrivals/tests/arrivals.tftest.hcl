mock_provider "aws" {}

variables {
  names = {
    queue          = "shop-dev-arrivals"
    dead_letters   = "shop-dev-arrivals-dead-letters"
    object_created = "shop-dev-raw-object-created"
    run_requested  = "shop-dev-run-requested"
    run_ended      = "shop-dev-run-ended"
    schedules_role = "shop-dev-schedules"
  }

  watched = { bucket = "shop-dev-lake", prefix = "raw/" }

  functions = {
    dispatcher = { name = "shop-dev-dispatcher", arn = "arn:aws:lambda:us-east-1:111122223333:function:shop-dev-dispatcher" }
    run_ended  = { name = "shop-dev-run-ended", arn = "arn:aws:lambda:us-east-1:111122223333:function:shop-dev-run-ended" }
  }

  queue = { visible_again_s = 740, max_receives = 5, dead_letters_days = 14 }
  batch = { size = 100, window_s = 20 }

  schedules = {
    sweep = { name = "shop-dev-sweep", expression = "cron(0 3 * * ? *)", time_zone = "Europe/London", function = "dispatcher", input = { action = "sweep" } }
  }

  requests          = { source = "shop.dev", detail_type = "shop.run.requested" }
  state_machine_arn = "arn:aws:states:us-east-1:111122223333:stateMachine:shop-dev-pipeline"
  arn_prefixes      = { sqs = "arn:aws:sqs:us-east-1:111122223333", events = "arn:aws:events:us-east-1:111122223333" }
}

run "plans_the_readmes_example" {
  command = plan

  module {
    source = "./tests/example"
  }
}

run "watches_one_prefix_of_one_bucket" {
  command = plan

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.object_created.event_pattern).detail == { bucket = { name = ["shop-dev-lake"] }, object = { key = [{ prefix = "raw/" }] } }
    error_message = "Objects elsewhere in the lake are no arrivals."
  }
}

run "keeps_what_could_not_be_handled_for_two_weeks" {
  command = plan

  assert {
    condition     = jsondecode(aws_sqs_queue.arrivals.redrive_policy).maxReceiveCount == 5 && aws_sqs_queue.dead_letters.message_retention_seconds == 14 * 24 * 3600
    error_message = "A message is tried five times, then kept for 14 days."
  }
}

run "takes_messages_from_its_own_rule_alone" {
  command = plan

  assert {
    condition     = one(data.aws_iam_policy_document.arrivals.statement[0].condition).values == tolist(["arn:aws:events:us-east-1:111122223333:rule/shop-dev-raw-object-created"])
    error_message = "No other rule may send to the queue."
  }
}

run "has_single_messages_of_a_batch_refused" {
  command = plan

  assert {
    condition     = aws_lambda_event_source_mapping.dispatcher.function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "A bad message fails alone."
  }
}

run "hears_of_every_end_of_a_run" {
  command = plan

  assert {
    condition     = toset(jsondecode(aws_cloudwatch_event_rule.this["run_ended"].event_pattern).detail.status) == toset(["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"])
    error_message = "Stopped and timed-out runs end too."
  }

  assert {
    condition     = aws_lambda_permission.this["run_ended"].source_arn == "arn:aws:events:us-east-1:111122223333:rule/shop-dev-run-ended"
    error_message = "Only the rule may call the function."
  }
}

run "calls_by_schedule_in_the_shops_own_time" {
  command = plan

  assert {
    condition     = aws_scheduler_schedule.this["sweep"].schedule_expression_timezone == "Europe/London" && jsondecode(one(aws_scheduler_schedule.this["sweep"].target).input) == { action = "sweep" }
    error_message = "The daily sweep is at three in the morning where the shop is."
  }

  assert {
    condition     = data.aws_iam_policy_document.schedules.statement[0].resources == toset(["arn:aws:lambda:us-east-1:111122223333:function:shop-dev-dispatcher"])
    error_message = "Schedules call the functions that they name, and no others."
  }
}

run "knows_a_schedule_from_what_is_none" {
  command = plan

  assert {
    condition = alltrue([
      for expression in [
        "rate(1 hour)", "rate(5 minutes)", "rate(10 days)",
        "cron(0 3 * * ? *)", "cron(15 10 ? * 6L 2022-2027)", "cron(0/15 8-17 ? * MON-FRI *)", "cron(0 8 LW * ? *)",
        "cron(0 8 ? * 3#2 *)", "cron(30 9 1,15 JAN-JUN ? 2026)", "cron(*/10 * 3W * ? *)",
      ] : can(regex(local.schedule_pattern, expression))
    ])
    error_message = "The examples of AWS's documentation are schedules."
  }

  assert {
    condition = [
      for expression in [
        "often", "rate(0 minutes)", "rate(1 hours)", "rate(5 minute)", "cron(0 3 * * ?)", "cron(60 3 * * ? *)",
        "cron(0 24 * * ? *)", "cron(0 3 32 * ? *)", "cron(0 3 * 13 ? *)", "cron(0 3 ? * 8 *)", "cron(0 3 ? * */2 *)",
        "cron(0 3 * * ? 1969)", "cron(0 3 */0 * ? *)", "cron(a b c d e f)", "cron(0 3 * * * *)", "cron(0 3 ? * ? *)",
      ] : expression if can(regex(local.schedule_pattern, expression))
    ] == []
    error_message = "Fields out of range, a rate of nothing and two days at once are no schedules."
  }
}

run "refuses_a_schedule_that_never_comes_and_a_message_hidden_longer_than_sqs_hides_it" {
  command = plan

  variables {
    schedules = { sweep = merge(var.schedules.sweep, { expression = "rate(0 minutes)" }) }
    queue     = merge(var.queue, { visible_again_s = 43201 })
    names     = merge(var.names, { queue = "shop-dev-arrivals.fifo" })
    watched   = { bucket = "shop-dev-lake", prefix = "raw" }
    batch     = { size = 100, window_s = 0 }
  }

  expect_failures = [var.schedules, var.queue, var.names, var.watched, var.batch]
}

run "refuses_a_schedule_of_an_unknown_function_and_dead_letters_that_sqs_would_drop_sooner" {
  command = plan

  variables {
    schedules = { sweep = merge(var.schedules.sweep, { function = "sweeper" }) }
    queue     = merge(var.queue, { dead_letters_days = 15 })
    names     = merge(var.names, { run_ended = "run ended" })
    batch     = { size = 10, window_s = 301 }
  }

  expect_failures = [var.schedules, var.queue, var.names, var.batch]
}

run "refuses_messages_that_are_never_received_and_functions_without_run_ended" {
  command = plan

  variables {
    queue     = merge(var.queue, { max_receives = 0 })
    functions = { dispatcher = var.functions.dispatcher }
  }

  expect_failures = [var.queue, var.functions]
}
