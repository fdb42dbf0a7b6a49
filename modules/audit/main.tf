# Who read and wrote what: a trail of calls, with every object of the lake, in a bucket of its own.

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_144:another region's copy of the records is the user's choice
  #checkov:skip=CKV_AWS_145:SSE-S3 unless kms_key_arn is given
  #checkov:skip=CKV_AWS_18:the trail itself records who reads its bucket
  #checkov:skip=CKV2_AWS_62:nobody waits for a record
  bucket        = var.bucket
  force_destroy = var.empties_on_destroy
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "records"
    status = "Enabled"

    filter {}

    expiration {
      days = var.kept_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 7
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

data "aws_iam_policy_document" "bucket" {
  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:aws:s3:::${var.bucket}", "arn:aws:s3:::${var.bucket}/*"]

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

  statement {
    sid       = "TheTrailLooksAtTheBucket"
    actions   = ["s3:GetBucketAcl"]
    resources = ["arn:aws:s3:::${var.bucket}"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [var.trail_arn]
    }
  }

  statement {
    sid       = "TheTrailWritesRecords"
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::${var.bucket}/AWSLogs/${var.account}/*"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [var.trail_arn]
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = data.aws_iam_policy_document.bucket.json

  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_cloudtrail" "this" {
  #checkov:skip=CKV_AWS_67:the lake is in one region; a trail of the whole account is the account's business
  #checkov:skip=CKV2_AWS_10:records are searched with Athena where they lie; CloudWatch would keep them a second time
  #checkov:skip=CKV_AWS_252:nobody waits for a file of records
  #checkov:skip=CKV_AWS_35:encrypted with S3's own keys unless kms_key_arn is given
  name                          = var.name
  s3_bucket_name                = aws_s3_bucket.this.id
  include_global_service_events = true
  enable_log_file_validation    = true
  kms_key_id                    = var.kms_key_arn

  # An account's changes are recorded once for nothing, and paid for by each further trail.
  # https://aws.amazon.com/cloudtrail/pricing/
  dynamic "advanced_event_selector" {
    for_each = var.records_changes_to_the_account ? [true] : []
    content {
      name = "Changes to the account"

      field_selector {
        field  = "eventCategory"
        equals = ["Management"]
      }
    }
  }

  advanced_event_selector {
    name = "Objects of the lake"

    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }

    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }

    field_selector {
      field       = "resources.ARN"
      starts_with = [for arn in var.watched : "${arn}/"]
    }
  }

  depends_on = [aws_s3_bucket_policy.this]
}
