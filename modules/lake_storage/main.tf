# The lake's bucket with its zones, the bucket of what is deployed, and the bucket of both ones' access logs.

locals {
  _logged = { for name, bucket in var.buckets : name => bucket if name != "logs" }

  # What S3 doesn't encrypt with a customer's key: its own access logs.
  _kms_key_arns = { lake = var.kms_key_arn, artifacts = var.kms_key_arn, logs = null }
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_144:raw files come from the shop's systems and tables from raw files; another region's copy is the user's choice
  #checkov:skip=CKV_AWS_145:SSE-S3 unless kms_key_arn is given; access logs can't use a customer's key
  #checkov:skip=CKV2_AWS_62:only the lake's bucket has somebody to tell; it has notifications below
  #checkov:skip=CKV_AWS_18:the lake and the artifacts are logged; the log bucket would log itself
  #checkov:skip=CKV2_AWS_61:each has one below; checkov doesn't follow for_each
  for_each = var.buckets

  bucket        = each.value
  force_destroy = var.empties_on_destroy
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    bucket_key_enabled = local._kms_key_arns[each.key] != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = local._kms_key_arns[each.key] == null ? "AES256" : "aws:kms"
      kms_master_key_id = local._kms_key_arns[each.key]
    }
  }
}

resource "aws_s3_bucket_logging" "this" {
  for_each = local._logged

  bucket        = aws_s3_bucket.this[each.key].id
  target_bucket = aws_s3_bucket.this["logs"].id
  target_prefix = "${each.key}/"

  depends_on = [aws_s3_bucket_policy.this]
}

data "aws_iam_policy_document" "bucket" {
  for_each = var.buckets

  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:aws:s3:::${each.value}", "arn:aws:s3:::${each.value}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  dynamic "statement" {
    for_each = each.key == "logs" ? local._logged : {}
    content {
      sid       = "AccessLogsOf${title(statement.key)}"
      actions   = ["s3:PutObject"]
      resources = ["arn:aws:s3:::${each.value}/${statement.key}/*"]

      principals {
        type        = "Service"
        identifiers = ["logging.s3.amazonaws.com"]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = ["arn:aws:s3:::${statement.value}"]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  policy = data.aws_iam_policy_document.bucket[each.key].json

  depends_on = [aws_s3_bucket_public_access_block.this]
}

# The lake tells EventBridge of every object; the rule of the arrivals picks those under raw/.
resource "aws_s3_bucket_notification" "lake" {
  bucket      = aws_s3_bucket.this["lake"].id
  eventbridge = true
}

# A zone is a prefix and its rule below; this is where a zone's name leads.
resource "terraform_data" "zone" {
  for_each = var.zones

  input = {
    uri  = "s3://${var.buckets.lake}/${each.value.prefix}"
    kept = each.value.holds_tables ? "as long as the tables' snapshots say" : "${each.value.kept_days} days"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  #checkov:skip=CKV_AWS_300:each zone's rule has it; checkov doesn't look into a dynamic block
  bucket = aws_s3_bucket.this["lake"].id

  dynamic "rule" {
    for_each = var.zones
    content {
      id     = rule.key
      status = "Enabled"

      filter {
        prefix = rule.value.prefix
      }

      abort_incomplete_multipart_upload {
        days_after_initiation = 7
      }

      dynamic "transition" {
        for_each = rule.value.intelligent_after_days == null ? [] : [rule.value.intelligent_after_days]
        content {
          days          = transition.value
          storage_class = "INTELLIGENT_TIERING"
        }
      }

      dynamic "transition" {
        for_each = rule.value.archive_after_days == null ? [] : [rule.value.archive_after_days]
        content {
          days          = transition.value
          storage_class = "GLACIER_IR"
        }
      }

      dynamic "expiration" {
        for_each = rule.value.holds_tables ? [] : [rule.value.kept_days]
        content {
          days = expiration.value
        }
      }

      # Files of tables that Iceberg deletes leave a marker, which goes with their last version.
      dynamic "expiration" {
        for_each = rule.value.holds_tables ? [true] : []
        content {
          expired_object_delete_marker = expiration.value
        }
      }

      # A zone that keeps versions keeps them as long as the current ones: a run reads the version that it was told of.
      noncurrent_version_expiration {
        noncurrent_days = rule.value.keeps_versions ? rule.value.kept_days : var.noncurrent_days
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "other" {
  for_each = { artifacts = null, logs = var.access_log_days }

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    id     = "all"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }

    dynamic "expiration" {
      for_each = each.value == null ? [] : [each.value]
      content {
        days = expiration.value
      }
    }

    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
