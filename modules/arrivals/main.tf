# What calls the lake's functions: dropped files by a queue, schedules, requests of other programs, ends of executions.

locals {
  _queue_arn        = "${var.arn_prefixes.sqs}:${var.names.queue}"
  _dead_letters_arn = "${var.arn_prefixes.sqs}:${var.names.dead_letters}"

  _rules = {
    run_requested = {
      name     = var.names.run_requested
      what     = "Requests of other programs for a run."
      target   = "dispatcher"
      function = var.functions.dispatcher
      pattern  = { source = [var.requests.source], detail-type = [var.requests.detail_type] }
    }
    run_ended = {
      name     = var.names.run_ended
      what     = "Ends of runs, also of those that no Catch sees."
      target   = "run-ended"
      function = var.functions.run_ended
      pattern = {
        source      = ["aws.states"]
        detail-type = ["Step Functions Execution Status Change"]
        detail      = { stateMachineArn = [var.state_machine_arn], status = ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"] }
      }
    }
  }
}

resource "aws_sqs_queue" "arrivals" {
  name                              = var.names.queue
  visibility_timeout_seconds        = var.queue.visible_again_s
  sqs_managed_sse_enabled           = var.kms_key_arn == null ? true : null
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = var.kms_key_arn == null ? null : 3600

  redrive_policy = jsonencode({ deadLetterTargetArn = local._dead_letters_arn, maxReceiveCount = var.queue.max_receives })

  depends_on = [aws_sqs_queue.dead_letters]
}

resource "aws_sqs_queue" "dead_letters" {
  name                              = var.names.dead_letters
  message_retention_seconds         = var.queue.dead_letters_days * 24 * 3600
  sqs_managed_sse_enabled           = var.kms_key_arn == null ? true : null
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = var.kms_key_arn == null ? null : 3600

  redrive_allow_policy = jsonencode({ redrivePermission = "byQueue", sourceQueueArns = [local._queue_arn] })
}

data "aws_iam_policy_document" "arrivals" {
  statement {
    sid       = "ObjectCreated"
    actions   = ["sqs:SendMessage"]
    resources = [local._queue_arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["${var.arn_prefixes.events}:rule/${var.names.object_created}"]
    }
  }
}

resource "aws_sqs_queue_policy" "arrivals" {
  queue_url = aws_sqs_queue.arrivals.id
  policy    = data.aws_iam_policy_document.arrivals.json
}

resource "aws_cloudwatch_event_rule" "object_created" {
  name        = var.names.object_created
  description = "New objects under ${var.watched.prefix} of the lake."

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail      = { bucket = { name = [var.watched.bucket] }, object = { key = [{ prefix = var.watched.prefix }] } }
  })
}

resource "aws_cloudwatch_event_target" "object_created" {
  rule      = aws_cloudwatch_event_rule.object_created.name
  target_id = "arrivals"
  arn       = local._queue_arn

  depends_on = [aws_sqs_queue_policy.arrivals]
}

resource "aws_lambda_event_source_mapping" "dispatcher" {
  event_source_arn                   = local._queue_arn
  function_name                      = var.functions.dispatcher.name
  batch_size                         = var.batch.size
  maximum_batching_window_in_seconds = var.batch.window_s
  function_response_types            = ["ReportBatchItemFailures"]

  depends_on = [aws_sqs_queue.arrivals]
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local._rules

  name          = each.value.name
  description   = each.value.what
  event_pattern = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local._rules

  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = each.value.target
  arn       = each.value.function.arn
}

resource "aws_lambda_permission" "this" {
  for_each = local._rules

  statement_id  = "events"
  action        = "lambda:InvokeFunction"
  function_name = each.value.function.name
  principal     = "events.amazonaws.com"
  source_arn    = "${var.arn_prefixes.events}:rule/${each.value.name}"
}

resource "aws_scheduler_schedule" "this" {
  #checkov:skip=CKV_AWS_297:a schedule holds no secret; encrypted with AWS's own key
  for_each = var.schedules

  name                         = each.value.name
  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.time_zone
  state                        = "ENABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = var.functions[each.value.function].arn
    role_arn = aws_iam_role.schedules.arn
    input    = jsonencode(each.value.input)
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "schedules" {
  name               = var.names.schedules_role
  description        = "What the lake's schedules may do: call its functions."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "schedules" {
  statement {
    sid       = "CallFunctions"
    actions   = ["lambda:InvokeFunction"]
    resources = distinct([for schedule in values(var.schedules) : var.functions[schedule.function].arn])
  }
}

resource "aws_iam_role_policy" "schedules" {
  name   = "call-functions"
  role   = aws_iam_role.schedules.id
  policy = data.aws_iam_policy_document.schedules.json
}
