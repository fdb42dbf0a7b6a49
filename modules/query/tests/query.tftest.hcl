mock_provider "aws" {}

variables {
  workgroup      = "shop-dev-lake"
  results        = "s3://shop-dev-lake/athena-results/"
  max_scanned_gb = 10

  queries = {
    revenue-by-day = {
      description = "Revenue by day."
      database    = "curated_dev"
      sql         = "SELECT order_day, sum(net_amount) FROM curated_dev.sales GROUP BY order_day"
    }
  }
}

run "plans_the_readmes_example" {
  command = plan

  module {
    source = "./tests/example"
  }
}

run "lets_nobody_override_the_settings" {
  command = plan

  assert {
    condition     = one(aws_athena_workgroup.this.configuration).enforce_workgroup_configuration
    error_message = "A client can't choose another place for results or a higher limit."
  }
}

run "cuts_off_a_question_that_scans_too_much" {
  command = plan

  assert {
    condition     = one(aws_athena_workgroup.this.configuration).bytes_scanned_cutoff_per_query == 10000000000
    error_message = "10 GB are 10,000,000,000 bytes."
  }
}

run "encrypts_results_at_rest" {
  command = plan

  assert {
    condition     = one(one(one(aws_athena_workgroup.this.configuration).result_configuration).encryption_configuration).encryption_option == "SSE_S3"
    error_message = "Results are encrypted, by S3's own keys unless one is given."
  }
}

run "keeps_questions_in_the_workgroup" {
  command = plan

  assert {
    condition     = aws_athena_named_query.this["revenue-by-day"].workgroup == "shop-dev-lake" && aws_athena_named_query.this["revenue-by-day"].database == "curated_dev"
    error_message = "Analysts find the questions where they ask."
  }
}

run "refuses_a_question_that_changes_something_and_a_cutoff_below_athenas_least" {
  command = plan

  variables {
    queries        = { tidy = { description = "Tidies up.", database = "curated_dev", sql = "DROP TABLE curated_dev.sales" } }
    max_scanned_gb = 0
    workgroup      = "shop dev"
  }

  expect_failures = [var.queries, var.max_scanned_gb, var.workgroup]
}

run "refuses_a_description_longer_than_athena_takes_and_results_in_no_folder" {
  command = plan

  variables {
    queries = { long = merge(var.queries.revenue-by-day, { description = format("%1025s", "Revenue by day.") }) }
    results = "s3://shop-dev-lake/"
  }

  expect_failures = [var.queries, var.results]
}
