mock_provider "aws" {}

variables {
  tables = {
    files = {
      name          = "shop-dev-files"
      partition_key = "object_id"
      indexes       = { waiting = { partition_key = "waiting", sort_key = "waiting_since" } }
    }
    runs = { name = "shop-dev-runs", partition_key = "kind", sort_key = "id" }
  }
  secret = "shop-dev-personal-data-key"
}

run "plans_the_readmes_example" {
  command = plan

  module {
    source = "./tests/example"
  }
}

run "can_go_back_to_any_second" {
  command = plan

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : one(table.point_in_time_recovery).enabled])
    error_message = "What the lake remembers can be brought back."
  }
}

run "declares_the_attributes_of_keys_once" {
  command = plan

  assert {
    condition     = sort([for attribute in aws_dynamodb_table.this["files"].attribute : attribute.name]) == tolist(["object_id", "waiting", "waiting_since"])
    error_message = "Each attribute of a key or an index stands once."
  }
}

run "pays_for_what_is_called" {
  command = plan

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.billing_mode == "PAY_PER_REQUEST"])
    error_message = "Nothing is paid while nothing arrives."
  }
}

run "protects_tables_when_asked_to" {
  command = plan

  variables {
    is_protected = true
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.deletion_protection_enabled])
    error_message = "A protected table refuses to be deleted."
  }
}

run "gives_a_destroyed_key_thirty_days" {
  command = plan

  assert {
    condition     = aws_secretsmanager_secret.personal_data.recovery_window_in_days == 30
    error_message = "Without the key, old and new hashes differ."
  }
}

run "refuses_a_table_whose_keys_are_one_attribute_and_a_recovery_that_secrets_manager_doesnt_have" {
  command = plan

  variables {
    tables        = { runs = { name = "shop-dev-runs", partition_key = "id", sort_key = "id" } }
    recovery_days = 3
  }

  expect_failures = [var.tables, var.recovery_days]
}

run "refuses_names_that_aws_wouldnt_take" {
  command = plan

  variables {
    tables = { runs = { name = "shop dev runs", partition_key = "id" } }
    secret = "personal data key"
  }

  expect_failures = [var.tables, var.secret]
}
