# The Glue jobs, each with its script and a role of its own; the wheel and the wheelhouse that all import from.

locals {
  _log_groups = { for kind in ["output", "error"] : kind => "${var.log_group_prefix}/${kind}" }

  _files = merge(
    { wheel = var.wheel },
    var.wheelhouse == null ? {} : { wheelhouse = var.wheelhouse },
  )

  # Nothing is downloaded from an index when a job starts.
  # https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-libraries.html
  _packages = var.wheelhouse == null ? {} : {
    "--additional-python-modules"       = "s3://${var.artifacts_bucket}/${var.wheelhouse.key}"
    "--python-modules-installer-option" = "--no-index"
  }

  # Glue takes one --conf argument, so that the others stand in its value.
  _conf = join(" --conf ", [for name, value in var.spark_settings : "${name}=${value}"])

  _arguments = merge(var.arguments, local._packages, {
    "--extra-py-files"                   = "s3://${var.artifacts_bucket}/${var.wheel.key}"
    "--datalake-formats"                 = "iceberg"
    "--conf"                             = local._conf
    "--enable-metrics"                   = "true"
    "--enable-observability-metrics"     = "true"
    "--enable-auto-scaling"              = "true"
    "--enable-continuous-cloudwatch-log" = "true"
    "--custom-logGroup-prefix"           = var.log_group_prefix
  })
}

resource "aws_s3_object" "script" {
  for_each = var.jobs

  bucket      = var.artifacts_bucket
  key         = each.value.script.key
  source      = each.value.script.path
  source_hash = each.value.script.sha256_base64
}

resource "aws_s3_object" "shared" {
  for_each = local._files

  bucket      = var.artifacts_bucket
  key         = each.value.key
  source      = each.value.path
  source_hash = each.value.sha256_base64
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:kept as long as lake.yaml says: what must last is in the run's receipt
  #checkov:skip=CKV_AWS_158:encrypted with CloudWatch's own key unless kms_key_arn is given
  for_each = local._log_groups

  name              = each.value
  retention_in_days = var.log_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_glue_job" "this" {
  #checkov:skip=CKV_AWS_195:a security configuration needs a customer's key for logs that hold no rows; S3 is encrypted by the bucket
  for_each = var.jobs

  name              = each.value.name
  role_arn          = aws_iam_role.this[each.key].arn
  glue_version      = var.glue_version
  worker_type       = var.worker.type
  number_of_workers = var.worker.number
  timeout           = each.value.timeout_min
  max_retries       = 0          # the state machine knows what is worth a retry
  execution_class   = "STANDARD" # a run can't wait for spare capacity; what can asks for FLEX when it starts the job
  connections       = var.connection == null ? [] : [var.connection]
  default_arguments = local._arguments

  command {
    name            = "glueetl"
    python_version  = "3"
    script_location = "s3://${aws_s3_object.script[each.key].bucket}/${aws_s3_object.script[each.key].key}"
  }

  # Jobs own their tables: two runs of one would overwrite each other's commits.
  execution_property {
    max_concurrent_runs = 1
  }

  depends_on = [aws_s3_object.shared, aws_iam_role_policy.this]
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["glue.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = var.jobs

  name               = each.value.name
  description        = "What the job ${each.value.name} may do."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "this" {
  #checkov:skip=CKV_AWS_356:metrics have no resource level and are bound to Glue's namespace
  for_each = var.jobs

  statement {
    sid       = "ReadItsCode"
    actions   = ["s3:GetObject"]
    resources = [for key in concat([each.value.script.key], values(local._files)[*].key) : "arn:aws:s3:::${var.artifacts_bucket}/${key}"]
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = flatten([for group in values(local._log_groups) : ["${var.arn_prefixes.logs}:log-group:${group}", "${var.arn_prefixes.logs}:log-group:${group}:*"]])
  }

  # CloudWatch has no resource for a metric, only its namespace.
  statement {
    sid       = "PutGluesOwnMetrics"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = ["Glue"]
    }
  }

  # The interfaces that Glue makes in a network have no name beforehand.
  dynamic "statement" {
    for_each = var.connection == null ? [] : [var.connection]
    content {
      sid = "JoinTheNetwork"
      actions = [
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcEndpoints",
      ]
      resources = ["*"]
    }
  }

  # https://docs.aws.amazon.com/glue/latest/dg/create-service-policy.html
  dynamic "statement" {
    for_each = var.connection == null ? [] : [var.connection]
    content {
      sid       = "TagItsInterfaces"
      actions   = ["ec2:CreateTags"]
      resources = ["arn:aws:ec2:*:*:network-interface/*", "arn:aws:ec2:*:*:security-group/*"]

      condition {
        test     = "ForAllValues:StringEquals"
        variable = "aws:TagKeys"
        values   = ["aws-glue-service-resource"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.connection == null ? [] : [var.connection]
    content {
      sid       = "FindTheNetwork"
      actions   = ["glue:GetConnection"]
      resources = ["${var.arn_prefixes.glue}:catalog", "${var.arn_prefixes.glue}:connection/${statement.value}"]
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
  for_each = var.jobs

  name   = "do-its-work"
  role   = aws_iam_role.this[each.key].id
  policy = data.aws_iam_policy_document.this[each.key].json
}
