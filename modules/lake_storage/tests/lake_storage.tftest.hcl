mock_provider "aws" {}

variables {
  buckets = {
    lake      = "shop-dev-lake-111122223333"
    artifacts = "shop-dev-artifacts-111122223333"
    logs      = "shop-dev-logs-111122223333"
  }
  zones = {
    raw            = { prefix = "raw/", kept_days = 365, intelligent_after_days = 30, archive_after_days = 90, keeps_versions = true }
    curated        = { prefix = "curated/", holds_tables = true }
    athena_results = { prefix = "athena-results/", kept_days = 7 }
  }
}

run "plans_the_readmes_example" {
  command = plan

  module {
    source = "./tests/example"
  }
}

run "lets_nobody_in_from_outside" {
  command = plan

  assert {
    condition = length(aws_s3_bucket_public_access_block.this) == 3 && alltrue([
      for block in aws_s3_bucket_public_access_block.this :
      block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets
    ])
    error_message = "Every bucket blocks public access in all four ways."
  }

  assert {
    condition     = alltrue([for document in data.aws_iam_policy_document.bucket : document.statement[0].effect == "Deny" && one(document.statement[0].condition).variable == "aws:SecureTransport"])
    error_message = "Every bucket refuses requests without TLS."
  }
}

run "deletes_objects_after_their_days_and_never_files_of_tables" {
  command = plan

  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule.id => [for expiration in rule.expiration : expiration.days] if rule.id != "curated" } == { raw = [365], athena_results = [7] }
    error_message = "A zone of objects has its days."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : one(rule.expiration).expired_object_delete_marker if rule.id == "curated"] == [true]
    error_message = "A zone of tables loses the markers of what Iceberg deleted; it has no days (refuses_to_delete_files_of_tables)."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : [for transition in rule.transition : transition.storage_class] if rule.id == "raw"] == [["INTELLIGENT_TIERING", "GLACIER_IR"]]
    error_message = "Raw files become cheaper before they go."
  }
}

run "keeps_raw_versions_as_long_as_raw_files" {
  command = plan

  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule.id => rule.noncurrent_version_expiration[0].noncurrent_days } == { raw = 365, curated = 7, athena_results = 7 }
    error_message = "A run reads the version that it was told of, also when the key was overwritten."
  }
}

run "tells_eventbridge_and_logs_requests" {
  command = plan

  assert {
    condition     = aws_s3_bucket_notification.lake.eventbridge
    error_message = "Arrivals begin with EventBridge."
  }

  assert {
    condition     = keys(aws_s3_bucket_logging.this) == ["artifacts", "lake"]
    error_message = "Requests to the lake and to the artifacts are logged, those for the log itself are not."
  }
}

run "encrypts_with_the_key_that_is_given" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition     = { for name, bucket in aws_s3_bucket_server_side_encryption_configuration.this : name => one(one(bucket.rule).apply_server_side_encryption_by_default).sse_algorithm } == { artifacts = "aws:kms", lake = "aws:kms", logs = "AES256" }
    error_message = "The lake and the artifacts use the key; access logs can't."
  }
}

run "refuses_a_zone_without_retention_and_a_bucket_name_that_is_too_long" {
  command = plan

  variables {
    zones           = { quarantine = { prefix = "quarantine/" } }
    buckets         = merge(var.buckets, { lake = "a-shop-whose-name-goes-on-and-on-and-on-staging-lake-111122223333" })
    noncurrent_days = 0
  }

  expect_failures = [var.zones, var.buckets, var.noncurrent_days]
}

run "refuses_a_retention_of_no_days_and_a_bucket_name_in_capitals" {
  command = plan

  variables {
    zones           = { quarantine = { prefix = "quarantine/", kept_days = 0 } }
    buckets         = merge(var.buckets, { lake = "Shop-dev-lake" })
    access_log_days = 0
  }

  expect_failures = [var.zones, var.buckets, var.access_log_days]
}

run "refuses_to_delete_files_of_tables_and_a_key_by_its_alias" {
  command = plan

  variables {
    zones       = { curated = { prefix = "curated/", holds_tables = true, kept_days = 730 } }
    kms_key_arn = "alias/shop"
  }

  expect_failures = [var.zones, var.kms_key_arn]
}

run "refuses_to_archive_what_is_deleted_before" {
  command = plan

  variables {
    zones = { raw = { prefix = "raw/", kept_days = 30, archive_after_days = 90 } }
  }

  expect_failures = [var.zones]
}

run "refuses_to_archive_what_isnt_tiered_yet" {
  command = plan

  variables {
    zones = { raw = { prefix = "raw/", kept_days = 365, intelligent_after_days = 90, archive_after_days = 90 } }
  }

  expect_failures = [var.zones]
}

run "refuses_a_prefix_that_is_no_folder" {
  command = plan

  variables {
    zones = { raw = { prefix = "raw", kept_days = 365 } }
  }

  expect_failures = [var.zones]
}
