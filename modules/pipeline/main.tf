# The state machine that is a run, with its role, its log and its traces.

locals {
  _arn       = "${var.arn_prefix}:stateMachine:${var.name}"
  _execution = "${var.arn_prefix}:execution:${var.name}"
}

# Logs of state machines are vended: the name keeps their resource policy small.
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:kept as long as lake.yaml says: what must last is in the run's receipt
  #checkov:skip=CKV_AWS_158:encrypted with CloudWatch's own key unless kms_key_arn is given
  name              = "/aws/vendedlogs/states/${var.name}"
  retention_in_days = var.log.days
  kms_key_id        = var.kms_key_arn
}

resource "aws_sfn_state_machine" "this" {
  #checkov:skip=CKV_AWS_285:on by level; prod logs errors without the data of people's files
  name       = var.name
  type       = "STANDARD"
  role_arn   = aws_iam_role.this.arn
  definition = var.definition

  logging_configuration {
    level                  = var.log.level
    include_execution_data = var.log.with_data
    log_destination        = "${aws_cloudwatch_log_group.this.arn}:*"
  }

  tracing_configuration {
    enabled = true
  }

  depends_on = [aws_iam_role_policy.this]
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["states.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  name               = var.role_name
  description        = "What the state machine ${var.name} may do: call the lake's functions, jobs and crawlers."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "this" {
  #checkov:skip=CKV_AWS_356:the delivery of logs and X-Ray have no resource level
  #checkov:skip=CKV_AWS_111:as above
  statement {
    sid       = "CallFunctions"
    actions   = ["lambda:InvokeFunction"]
    resources = var.calls.functions
  }

  statement {
    sid       = "RunJobs"
    actions   = ["glue:BatchStopJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:StartJobRun"]
    resources = var.calls.jobs
  }

  statement {
    sid       = "RunCrawlers"
    actions   = ["glue:GetCrawler", "glue:StartCrawler"]
    resources = var.calls.crawlers
  }

  statement {
    sid       = "ReadManifests"
    actions   = ["s3:GetObject"]
    resources = [var.calls.manifests]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]
    content {
      sid       = "ReadEncryptedManifests"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }

  # Each file of a distributed map is an execution of its own. https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
  statement {
    sid       = "StartAnExecutionAFile"
    actions   = ["states:StartExecution"]
    resources = [local._arn]
  }

  statement {
    sid       = "FollowThem"
    actions   = ["states:DescribeExecution", "states:StopExecution"]
    resources = ["${local._execution}/*"]
  }

  # CloudWatch's API for the delivery of logs has no resources.
  statement {
    sid = "DeliverLogs"
    actions = [
      "logs:CreateLogDelivery",
      "logs:DeleteLogDelivery",
      "logs:DescribeLogGroups",
      "logs:DescribeResourcePolicies",
      "logs:GetLogDelivery",
      "logs:ListLogDeliveries",
      "logs:PutResourcePolicy",
      "logs:UpdateLogDelivery",
    ]
    resources = ["*"]
  }

  # X-Ray's API has no resources.
  statement {
    sid = "SendTraces"
    actions = [
      "xray:GetSamplingRules",
      "xray:GetSamplingTargets",
      "xray:PutTelemetryRecords",
      "xray:PutTraceSegments",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "this" {
  name   = "do-its-work"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.this.json
}
