mock_provider "aws" {}

variables {
  name      = "shop-dev-audit"
  bucket    = "shop-dev-audit-111122223333"
  trail_arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/shop-dev-audit"
  watched   = ["arn:aws:s3:::shop-dev-lake-111122223333"]
  account   = "111122223333"
  kept_days = 90
}

run "plans_the_readmes_example" {
  command = plan

  module {
    source = "./tests/example"
  }
}

run "records_every_object_of_the_lake" {
  command = plan

  assert {
    condition = anytrue([
      for selector in aws_cloudtrail.this.advanced_event_selector : anytrue([
        for field in selector.field_selector : field.field == "resources.ARN" && try(field.starts_with == tolist(["arn:aws:s3:::shop-dev-lake-111122223333/"]), false)
      ])
    ])
    error_message = "Reads and writes of the lake's objects are recorded."
  }
}

run "leaves_changes_to_the_account_to_the_accounts_own_trail" {
  command = plan

  assert {
    condition     = length(aws_cloudtrail.this.advanced_event_selector) == 1
    error_message = "Each environment would pay for every call in the account."
  }
}

run "records_changes_to_the_account_where_that_is_asked_for" {
  command = plan

  variables {
    records_changes_to_the_account = true
  }

  assert {
    condition     = contains([for selector in aws_cloudtrail.this.advanced_event_selector : selector.name], "Changes to the account")
    error_message = "An account without a trail may want it."
  }
}

run "can_show_that_no_record_was_changed" {
  command = plan

  assert {
    condition     = aws_cloudtrail.this.enable_log_file_validation
    error_message = "Files of records are signed."
  }
}

run "lets_its_own_trail_write_and_no_other" {
  command = plan

  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.bucket.statement : one(statement.condition).values == tolist(["arn:aws:cloudtrail:us-east-1:111122223333:trail/shop-dev-audit"]) if statement.effect != "Deny"])
    error_message = "The bucket is this trail's."
  }
}

run "keeps_records_for_the_days_that_are_asked_for" {
  command = plan

  variables {
    kept_days = 365
  }

  assert {
    condition     = one(one(aws_s3_bucket_lifecycle_configuration.this.rule).expiration).days == 365
    error_message = "Records are kept for a year where that is asked for."
  }
}

run "lets_nobody_in_from_outside" {
  command = plan

  assert {
    condition     = aws_s3_bucket_public_access_block.this.block_public_policy && aws_s3_bucket_public_access_block.this.restrict_public_buckets
    error_message = "Records are never public."
  }
}

run "refuses_records_of_less_than_three_months_and_names_that_aws_wouldnt_take" {
  command = plan

  variables {
    kept_days = 89
    name      = "it"
    bucket    = "shop_dev_audit"
    account   = "11112222333"
  }

  expect_failures = [var.kept_days, var.name, var.bucket, var.account]
}

run "refuses_to_watch_nothing" {
  command = plan

  variables {
    watched = []
  }

  expect_failures = [var.watched]
}

run "refuses_to_watch_what_is_no_bucket" {
  command = plan

  variables {
    watched = ["shop-dev-lake-111122223333"]
  }

  expect_failures = [var.watched]
}
