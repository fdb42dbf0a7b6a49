# Where questions are asked: a workgroup whose settings nobody overrides, and the questions that come with the lake.

locals {
  _gigabyte = 1000 * 1000 * 1000
}

resource "aws_athena_workgroup" "this" {
  #checkov:skip=CKV_AWS_159:results are encrypted with SSE-S3 unless kms_key_arn is given
  name          = var.workgroup
  description   = "Questions to the lake. Its settings hold for everybody."
  state         = "ENABLED"
  force_destroy = var.empties_on_destroy

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.max_scanned_gb * local._gigabyte

    result_configuration {
      output_location = var.results

      encryption_configuration {
        encryption_option = var.kms_key_arn == null ? "SSE_S3" : "SSE_KMS"
        kms_key_arn       = var.kms_key_arn
      }
    }
  }
}

resource "aws_athena_named_query" "this" {
  for_each = var.queries

  name        = each.key
  description = each.value.description
  database    = each.value.database
  workgroup   = aws_athena_workgroup.this.name
  query       = each.value.sql
}
