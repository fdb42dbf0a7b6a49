# The bucket of Terraform's state, made once an account and region before anything else. Locks are objects in it
# (`use_lockfile`). Its own state is a file beside this one that bears the bucket's name; `make deploy` copies it into
# the bucket.

terraform {
  backend "local" {}
}

provider "aws" {
  region = var.region

  default_tags {
    tags = merge({ Project = "shoplake", Environment = "shared", DataClassification = "confidential" }, var.tags)
  }
}

resource "aws_s3_bucket" "state" {
  #checkov:skip=CKV_AWS_144:a state is rebuilt by import; earlier ones are kept as versions
  #checkov:skip=CKV_AWS_145:SSE-S3: the state holds names and no secrets
  #checkov:skip=CKV_AWS_18:who reads the state, the account's own trail says
  #checkov:skip=CKV2_AWS_62:nobody waits for a state
  bucket = var.bucket

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_ownership_controls" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    id     = "earlier-states"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.state]
}

data "aws_iam_policy_document" "state" {
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
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = data.aws_iam_policy_document.state.json

  depends_on = [aws_s3_bucket_public_access_block.state]
}

output "bucket" {
  description = "The bucket of the state."
  value       = aws_s3_bucket.state.bucket
}
