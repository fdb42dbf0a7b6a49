mock_provider "aws" {}

variables {
  databases = {
    raw     = { name = "raw_dev", location = "s3://shop-dev-lake/raw/" }
    curated = { name = "curated_dev", location = "s3://shop-dev-lake/curated/" }
  }
  classifiers = {
    csv         = { name = "shop-dev-csv" }
    json-orders = { name = "shop-dev-json-orders", json_path = "$.orders[*]" }
  }
  crawlers = {
    orders = { name = "shop-dev-raw-orders", path = "s3://shop-dev-lake/raw/orders/", classifiers = ["json-orders", "csv"] }
  }
  role_name    = "shop-dev-crawlers"
  bucket_arn   = "arn:aws:s3:::shop-dev-lake"
  arn_prefixes = { glue = "arn:aws:glue:us-east-1:111122223333", logs = "arn:aws:logs:us-east-1:111122223333" }
}

run "plans_the_readmes_example" {
  command = plan

  module {
    source = "./tests/example"
  }
}

run "puts_each_database_over_its_zone" {
  command = plan

  assert {
    condition     = { for key, database in aws_glue_catalog_database.this : database.name => database.location_uri } == { raw_dev = "s3://shop-dev-lake/raw/", curated_dev = "s3://shop-dev-lake/curated/" }
    error_message = "A database's tables live in the zone of its name."
  }
}

run "tries_a_datasets_own_classifiers_first" {
  command = plan

  assert {
    condition     = aws_glue_crawler.this["orders"].classifiers == tolist(["shop-dev-json-orders", "shop-dev-csv"])
    error_message = "Glue takes the first classifier that is sure."
  }
}

run "makes_one_table_a_dataset_and_drops_none" {
  command = plan

  assert {
    condition     = jsondecode(aws_glue_crawler.this["orders"].configuration).Grouping.TableGroupingPolicy == "CombineCompatibleSchemas"
    error_message = "Files that differ make no second table."
  }

  assert {
    condition     = one(aws_glue_crawler.this["orders"].schema_change_policy).delete_behavior == "LOG"
    error_message = "A table whose files are gone stays."
  }
}

run "lets_crawlers_read_their_folders_alone" {
  command = plan

  assert {
    condition     = [for statement in data.aws_iam_policy_document.crawlers.statement : statement.resources if contains(statement.actions, "s3:GetObject")] == [toset(["arn:aws:s3:::shop-dev-lake/raw/orders/*"])]
    error_message = "A crawler reads raw folders and nothing else."
  }
}

run "lets_crawlers_write_raw_tables_alone" {
  command = plan

  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.crawlers.statement : alltrue([for resource in statement.resources : !strcontains(resource, "curated")])])
    error_message = "Nothing that a crawler may touch is curated."
  }

  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.crawlers.statement : !contains(statement.resources, "*") && !strcontains(join(" ", statement.actions), "*")])
    error_message = "No statement of the crawlers holds a *."
  }
}

run "refuses_a_database_name_that_athena_cant_ask_and_a_crawler_over_the_whole_bucket" {
  command = plan

  variables {
    databases = { raw = { name = "raw-dev", location = "s3://shop-dev-lake/raw/" } }
    crawlers  = { orders = merge(var.crawlers.orders, { path = "s3://shop-dev-lake/" }) }
  }

  expect_failures = [var.databases, var.crawlers]
}

run "refuses_a_database_without_a_zone_and_a_classifier_that_nobody_declared" {
  command = plan

  variables {
    databases = { raw = { name = "raw_dev", location = "s3://shop-dev-lake/" } }
    crawlers  = { orders = merge(var.crawlers.orders, { classifiers = ["xml"] }) }
  }

  expect_failures = [var.databases, var.crawlers]
}

run "refuses_to_crawl_into_an_unknown_database" {
  command = plan

  variables {
    crawled_database = "landing"
  }

  expect_failures = [var.crawled_database]
}
