mock_provider "aws" {}

variables {
  region = "us-east-1"
  bucket = "shoplake-terraform-111122223333-us-east-1"
}

run "keeps_earlier_states" {
  command = plan

  assert {
    condition     = one(aws_s3_bucket_versioning.state.versioning_configuration).status == "Enabled" && one(one(aws_s3_bucket_lifecycle_configuration.state.rule).noncurrent_version_expiration).noncurrent_days == 90
    error_message = "A state that was overwritten can be brought back for 90 days."
  }
}

run "refuses_requests_without_tls" {
  command = plan

  assert {
    condition     = data.aws_iam_policy_document.state.statement[0].effect == "Deny" && one(data.aws_iam_policy_document.state.statement[0].condition).variable == "aws:SecureTransport"
    error_message = "The state travels over TLS alone."
  }
}

run "lets_nobody_in_from_outside" {
  command = plan

  assert {
    condition     = aws_s3_bucket_public_access_block.state.block_public_acls && aws_s3_bucket_public_access_block.state.block_public_policy && aws_s3_bucket_public_access_block.state.ignore_public_acls && aws_s3_bucket_public_access_block.state.restrict_public_buckets
    error_message = "The state is never public."
  }
}

run "encrypts_the_state" {
  command = plan

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "The state is encrypted at rest."
  }
}

run "refuses_a_bucket_name_that_is_too_long" {
  command = plan

  variables {
    bucket = "a-shop-whose-name-goes-on-and-on-and-on-and-on-terraform-111122223333"
  }

  expect_failures = [var.bucket]
}

run "refuses_to_forget_earlier_states_within_a_month" {
  command = plan

  variables {
    noncurrent_days = 1
  }

  expect_failures = [var.noncurrent_days]
}

run "refuses_a_region_that_is_none" {
  command = plan

  variables {
    region = "virginia"
  }

  expect_failures = [var.region]
}
