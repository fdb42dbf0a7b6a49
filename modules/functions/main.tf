# The Lambda functions, each with its package, its log group and a role of its own; a layer that all share.

resource "aws_s3_object" "package" {
  for_each = var.functions

  bucket      = var.artifacts_bucket
  key         = each.value.package.key
  source      = each.value.package.path
  source_hash = each.value.package.sha256_base64
}

resource "aws_s3_object" "layer" {
  count = var.layer == null ? 0 : 1

  bucket      = var.artifacts_bucket
  key         = var.layer.key
  source      = var.layer.path
  source_hash = var.layer.sha256_base64
}

resource "aws_lambda_layer_version" "this" {
  count = var.layer == null ? 0 : 1

  layer_name               = var.layer.name
  description              = "Python packages that the lake's functions share."
  s3_bucket                = aws_s3_object.layer[0].bucket
  s3_key                   = aws_s3_object.layer[0].key
  source_code_hash         = var.layer.sha256_base64
  compatible_runtimes      = [var.runtime]
  compatible_architectures = [var.architecture]
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:kept as long as lake.yaml says: what must last is in the run's receipt
  #checkov:skip=CKV_AWS_158:encrypted with CloudWatch's own key unless kms_key_arn is given
  for_each = var.functions

  name              = "/aws/lambda/${each.value.name}"
  retention_in_days = var.log_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_117:in a network of the user's where network is given
  #checkov:skip=CKV_AWS_116:the queue has its dead letters, the state machine its Catch, a schedule its next time
  #checkov:skip=CKV_AWS_115:reserved concurrency takes from the account's; the state machine bounds the validators
  #checkov:skip=CKV_AWS_272:packages come from the deployer's own checkout by hash, not from a third party
  #checkov:skip=CKV_AWS_173:the environment holds names, no secrets; encrypted with Lambda's own key unless kms_key_arn is given
  for_each = var.functions

  function_name    = each.value.name
  description      = each.value.does
  role             = aws_iam_role.this[each.key].arn
  runtime          = var.runtime
  architectures    = [var.architecture]
  handler          = var.handler
  memory_size      = each.value.memory_mb
  timeout          = each.value.timeout_s
  layers           = [for layer in aws_lambda_layer_version.this : layer.arn]
  s3_bucket        = aws_s3_object.package[each.key].bucket
  s3_key           = aws_s3_object.package[each.key].key
  source_code_hash = each.value.package.sha256_base64
  kms_key_arn      = var.kms_key_arn

  ephemeral_storage {
    size = each.value.ephemeral_mb
  }

  environment {
    variables = merge(var.environment, { POWERTOOLS_SERVICE_NAME = each.key })
  }

  tracing_config {
    mode = "Active"
  }

  dynamic "vpc_config" {
    for_each = var.network == null ? [] : [var.network]
    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = var.functions

  name               = each.value.name
  description        = "What the function ${each.value.name} may do."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "this" {
  #checkov:skip=CKV_AWS_356:tracing and network interfaces have no resource level; other statements over all resources state their reason
  #checkov:skip=CKV_AWS_111:as above
  for_each = var.functions

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${var.arn_prefixes.logs}:log-group:/aws/lambda/${each.value.name}:*"]
  }

  # X-Ray's API has no resources.
  statement {
    sid       = "SendTraces"
    actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    resources = ["*"]
  }

  # The interfaces that Lambda makes in a network have no name beforehand.
  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
  dynamic "statement" {
    for_each = var.network == null ? [] : [true]
    content {
      sid = "JoinTheNetwork"
      actions = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
      ]
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = each.value.statements
    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources

      dynamic "condition" {
        for_each = statement.value.conditions
        content {
          test     = "StringLike"
          variable = condition.key
          values   = condition.value
        }
      }
    }
  }
}

resource "aws_iam_role_policy" "this" {
  for_each = var.functions

  name   = "do-its-work"
  role   = aws_iam_role.this[each.key].id
  policy = data.aws_iam_policy_document.this[each.key].json
}
