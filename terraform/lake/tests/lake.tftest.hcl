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

run "refuses_an_environment_that_lake_yaml_doesnt_know" {
  command = plan

  variables {
    environment = "production"
  }

  expect_failures = [var.environment]
}

run "refuses_to_deploy_the_laptops_environment" {
  command = plan

  variables {
    environment = "local"
  }

  expect_failures = [var.environment]
}

run "refuses_subscribers_of_an_unknown_topic" {
  command = plan

  variables {
    subscribers = { everything = { emails = ["on-call@example.com"] } }
  }

  expect_failures = [var.subscribers]
}

run "refuses_a_key_that_is_no_key" {
  command = plan

  variables {
    kms_key_arn = "alias/shop"
  }

  expect_failures = [var.kms_key_arn]
}

run "refuses_an_account_that_is_no_number_of_one" {
  command = plan

  variables {
    account = "shop"
  }

  expect_failures = [var.account]
}

run "refuses_an_owner_that_is_no_tag" {
  command = plan

  variables {
    owner = ""
  }

  expect_failures = [var.owner]
}
