mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  environment = "dev"
  account     = "111122223333"
  owner       = "data-platform"
  cost_center = "analytics"
}

run "names_everything_after_the_environment" {
  command = plan

  assert {
    condition     = output.lake.buckets == { lake = "shoplake-dev-lake-111122223333", artifacts = "shoplake-dev-artifacts-111122223333", logs = "shoplake-dev-logs-111122223333" }
    error_message = "Buckets bear the environment and the account."
  }

  assert {
    condition     = output.functions["run_ended"] == "shoplake-dev-run-ended" && output.jobs["quality_gate"] == "shoplake-dev-quality-gate"
    error_message = "Functions and jobs bear the environment."
  }
}

run "lets_a_job_reach_its_own_tables_alone" {
  command = plan

  assert {
    condition     = join(" ", flatten([for statement in module.jobs.statements["transaction_etl"] : statement.resources if statement.sid == "WriteItsTables"])) == "arn:aws:s3:::shoplake-dev-lake-111122223333/processed/transactions/*"
    error_message = "transaction_etl writes processed.transactions."
  }

  assert {
    condition = alltrue([
      for statement in module.jobs.statements["clickstream_aggregation"] : !strcontains(join(" ", statement.resources), "quarantine/transactions") && !strcontains(join(" ", statement.resources), "curated/sales")
    ])
    error_message = "A job reaches no other dataset's quarantine and no other job's tables."
  }
}

run "gives_the_key_of_personal_data_to_the_jobs_that_hash" {
  command = plan

  assert {
    condition     = toset([for name, statements in module.jobs.statements : name if strcontains(jsonencode(statements), "secretsmanager")]) == toset(["clickstream_aggregation", "customer_enrichment"])
    error_message = "Only clicks and customers have columns that the contract hashes."
  }
}

run "lets_only_the_validator_and_the_jobs_read_raw_files" {
  command = plan

  assert {
    condition     = !strcontains(jsonencode(module.functions.statements["notify"]), "/raw/") && strcontains(jsonencode(module.functions.statements["file_validator"]), "/raw/")
    error_message = "Who sends e-mails can't read raw files."
  }
}

run "makes_a_network_where_it_is_asked_for" {
  command = plan

  variables {
    network = { enabled = true }
  }

  assert {
    condition     = length(module.network) == 1
    error_message = "The network is made."
  }
}

run "is_another_lake_in_prod" {
  command = plan

  variables {
    environment = "prod"
  }

  assert {
    condition     = output.lake.workgroup == "shoplake-prod-lake" && output.lake.databases == { raw = "raw_prod", processed = "processed_prod", curated = "curated_prod" }
    error_message = "Environments share no name."
  }
}

run "refuses_an_environment_that_lake_yaml_doesnt_know_and_tags_that_aws_wouldnt_take" {
  command = plan

  variables {
    environment = "production"
    account     = "shop"
    owner       = ""
    cost_center = "*"
    kms_key_arn = "alias/shop"
    artifacts   = "nowhere.json"
  }

  expect_failures = [var.environment, var.account, var.owner, var.cost_center, var.kms_key_arn, var.artifacts]
}

run "refuses_to_deploy_the_laptops_environment_and_to_tell_of_an_unknown_topic" {
  command = plan

  variables {
    environment = "local"
    network     = { cidr = "10.20.0.0" }
    subscribers = { everything = { emails = ["on-call@example.com"] } }
  }

  expect_failures = [var.environment, var.network, var.subscribers]
}

run "refuses_an_email_that_isnt_one_and_one_zone_twice" {
  command = plan

  variables {
    network     = { zones = ["a", "a"] }
    subscribers = { cost = { emails = ["finops"] } }
  }

  expect_failures = [var.network, var.subscribers]
}

run "refuses_a_telephone_number_without_its_country" {
  command = plan

  variables {
    subscribers = { cost = { phones = ["01234 567890"] } }
  }

  expect_failures = [var.subscribers]
}

run "refuses_an_address_without_tls" {
  command = plan

  variables {
    subscribers = { cost = { urls = ["http://hooks.example.com/costs"] } }
  }

  expect_failures = [var.subscribers]
}
