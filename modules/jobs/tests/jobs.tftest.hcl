mock_provider "aws" {}

variables {
  jobs = {
    orders = {
      name        = "shop-dev-orders"
      timeout_min = 60
      script      = { path = "build/jobs/orders.py", key = "jobs/orders.py", sha256_base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
      statements = [
        { sid = "WriteItsTable", actions = ["s3:GetObject", "s3:PutObject"], resources = ["arn:aws:s3:::shop-dev-lake/processed/orders/*"] },
      ]
    }
    products = {
      name        = "shop-dev-products"
      timeout_min = 30
      script      = { path = "build/jobs/products.py", key = "jobs/products.py", sha256_base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
    }
  }
  artifacts_bucket = "shop-dev-artifacts"
  glue_version     = "5.1"
  worker           = { type = "G.1X", number = 2 }
  wheel            = { path = "build/wheels/shop.whl", key = "wheels/shop.whl", sha256_base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
  spark_settings   = { "spark.sql.session.timeZone" = "UTC", "spark.sql.shuffle.partitions" = "16" }
  arguments        = { "--env" = "dev" }
  log_days         = 30
  log_group_prefix = "/aws-glue/shop-dev"
  arn_prefixes     = { glue = "arn:aws:glue:us-east-1:111122223333", logs = "arn:aws:logs:us-east-1:111122223333" }
}

run "plans_the_readmes_example" {
  command = plan

  module {
    source = "./tests/example"
  }
}

run "gives_sparks_settings_as_one_argument" {
  command = plan

  assert {
    condition     = aws_glue_job.this["orders"].default_arguments["--conf"] == "spark.sql.session.timeZone=UTC --conf spark.sql.shuffle.partitions=16"
    error_message = "Glue takes one --conf."
  }

  assert {
    condition     = aws_glue_job.this["orders"].default_arguments["--env"] == "dev" && aws_glue_job.this["orders"].default_arguments["--datalake-formats"] == "iceberg"
    error_message = "The lake's own arguments and Iceberg are there."
  }
}

run "scales_by_itself_and_is_observed" {
  command = plan

  assert {
    condition = alltrue([
      for job in aws_glue_job.this : job.default_arguments["--enable-auto-scaling"] == "true" && job.default_arguments["--enable-observability-metrics"] == "true"
    ])
    error_message = "No worker is paid that a job doesn't need, and metrics say what it did."
  }
}

run "runs_a_job_once_at_a_time_and_never_again_by_itself" {
  command = plan

  assert {
    condition     = alltrue([for job in aws_glue_job.this : one(job.execution_property).max_concurrent_runs == 1 && job.max_retries == 0 && job.execution_class == "STANDARD"])
    error_message = "Jobs own their tables, the state machine knows what is worth a retry, and no run waits for spare capacity."
  }
}

run "lets_a_job_reach_its_own_tables_alone" {
  command = plan

  assert {
    condition     = !anytrue([for statement in data.aws_iam_policy_document.this["products"].statement : strcontains(join(" ", statement.resources), "processed/orders")])
    error_message = "What one job writes, another can't reach."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.this["orders"].statement : statement.resources if statement.sid == "ReadItsCode"] == [toset(["arn:aws:s3:::shop-dev-artifacts/jobs/orders.py", "arn:aws:s3:::shop-dev-artifacts/wheels/shop.whl"])]
    error_message = "A job reads its own script and the shared wheel."
  }
}

run "installs_packages_from_the_wheelhouse_and_from_no_index" {
  command = plan

  variables {
    wheelhouse = { path = "build/wheelhouse.gluewheels.zip", key = "wheels/packages.gluewheels.zip", sha256_base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
  }

  assert {
    condition     = alltrue([for job in aws_glue_job.this : job.default_arguments["--additional-python-modules"] == "s3://shop-dev-artifacts/wheels/packages.gluewheels.zip" && job.default_arguments["--python-modules-installer-option"] == "--no-index"])
    error_message = "Nothing is downloaded when a job starts."
  }
}

run "refuses_an_action_with_a_star_and_a_worker_type_that_glue_doesnt_have" {
  command = plan

  variables {
    jobs     = { orders = merge(var.jobs.orders, { statements = [{ sid = "All", actions = ["s3:*"], resources = ["arn:aws:s3:::shop-dev-lake/*"] }] }) }
    worker   = { type = "G.99X", number = 2 }
    log_days = 45
  }

  expect_failures = [var.jobs, var.worker, var.log_days]
}

run "refuses_all_resources_without_a_reason_and_no_worker_beside_the_driver" {
  command = plan

  variables {
    jobs             = { orders = merge(var.jobs.orders, { statements = [{ sid = "Metrics", actions = ["cloudwatch:PutMetricData"], resources = ["*"] }] }) }
    worker           = { type = "G.1X", number = 1 }
    log_group_prefix = "/aws/glue/shop-dev"
  }

  expect_failures = [var.jobs, var.worker, var.log_group_prefix]
}

run "refuses_a_job_that_may_take_no_time_and_a_glue_without_iceberg_branches" {
  command = plan

  variables {
    jobs         = { orders = merge(var.jobs.orders, { timeout_min = 0 }) }
    glue_version = "4.0"
  }

  expect_failures = [var.jobs, var.glue_version]
}

run "refuses_a_job_name_in_capitals_and_a_wheelhouse_that_glue_wouldnt_unpack" {
  command = plan

  variables {
    jobs       = { orders = merge(var.jobs.orders, { name = "Orders" }) }
    wheelhouse = { path = "build/wheelhouse.zip", key = "wheels/packages.zip", sha256_base64 = "x" }
  }

  expect_failures = [var.jobs, var.wheelhouse]
}
