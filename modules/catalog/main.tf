# The Data Catalog: databases, and a crawler a dataset over the raw files. Tables of processed and curated are made by
# the lake's functions.

locals {
  _database = var.databases[var.crawled_database].name

  _csv  = { for key, classifier in var.classifiers : key => classifier if classifier.json_path == null }
  _json = { for key, classifier in var.classifiers : key => classifier if classifier.json_path != null }

  _folders = { for key, crawler in var.crawlers : key => replace(crawler.path, "/^s3://[^/]+//", "") }

  # One table a dataset whatever its files differ in; partitions read their columns off the table.
  _configuration = {
    Version       = 1
    Grouping      = { TableGroupingPolicy = "CombineCompatibleSchemas" }
    CrawlerOutput = { Partitions = { AddOrUpdateBehavior = "InheritFromTable" } }
  }
}

resource "aws_glue_catalog_database" "this" {
  for_each = var.databases

  name         = each.value.name
  location_uri = each.value.location
}

# Names in the first line, whatever the columns hold; values in double quotes may hold commas. Files with another
# delimiter fall to Glue's own classifier. https://docs.aws.amazon.com/glue/latest/dg/custom-classifier.html
resource "aws_glue_classifier" "csv" {
  for_each = local._csv

  name = each.value.name

  csv_classifier {
    delimiter       = ","
    quote_symbol    = "\""
    contains_header = "PRESENT"
    serde           = "OpenCSVSerDe"
  }
}

# A file's records are the elements of an array: its own, or one at a place that the contract names.
resource "aws_glue_classifier" "json" {
  for_each = local._json

  name = each.value.name

  json_classifier {
    json_path = each.value.json_path
  }
}

resource "aws_glue_crawler" "this" {
  #checkov:skip=CKV_AWS_195:a security configuration needs a customer's key for logs that hold no rows; S3 is encrypted by the bucket
  for_each = var.crawlers

  name          = each.value.name
  role          = aws_iam_role.crawlers.arn
  database_name = aws_glue_catalog_database.this[var.crawled_database].name
  configuration = jsonencode(local._configuration)

  classifiers = [for key in each.value.classifiers : merge(aws_glue_classifier.csv, aws_glue_classifier.json)[key].name]

  s3_target {
    path = each.value.path
  }

  # Everything is crawled each time: with new folders only, Glue changes no columns.
  # https://docs.aws.amazon.com/glue/latest/dg/incremental-crawls.html
  recrawl_policy {
    recrawl_behavior = "CRAWL_EVERYTHING"
  }

  schema_change_policy {
    update_behavior = "UPDATE_IN_DATABASE"
    delete_behavior = "LOG"
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["glue.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "crawlers" {
  name               = var.role_name
  description        = "What the lake's crawlers may do: read raw files, write raw tables."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "crawlers" {
  statement {
    sid       = "ReadRawFiles"
    actions   = ["s3:GetObject"]
    resources = [for folder in values(local._folders) : "${var.bucket_arn}/${folder}*"]
  }

  statement {
    sid       = "ListRawFiles"
    actions   = ["s3:ListBucket"]
    resources = [var.bucket_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = [for folder in values(local._folders) : "${folder}*"]
    }
  }

  statement {
    sid       = "FindTheBucket"
    actions   = ["s3:GetBucketLocation"]
    resources = [var.bucket_arn]
  }

  statement {
    sid = "KeepRawTables"
    actions = [
      "glue:BatchCreatePartition",
      "glue:BatchGetPartition",
      "glue:BatchUpdatePartition",
      "glue:CreateTable",
      "glue:GetDatabase",
      "glue:GetPartition",
      "glue:GetPartitions",
      "glue:GetTable",
      "glue:GetTables",
      "glue:UpdatePartition",
      "glue:UpdateTable",
    ]
    resources = [
      "${var.arn_prefixes.glue}:catalog",
      "${var.arn_prefixes.glue}:database/${local._database}",
      "${var.arn_prefixes.glue}:table/${local._database}/*",
    ]
  }

  # Glue picks the names of the streams, and makes the group where there is none.
  statement {
    sid     = "WriteLogs"
    actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [
      "${var.arn_prefixes.logs}:log-group:/aws-glue/crawlers",
      "${var.arn_prefixes.logs}:log-group:/aws-glue/crawlers:*",
    ]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]
    content {
      sid       = "ReadEncryptedFiles"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "crawlers" {
  name   = "crawl"
  role   = aws_iam_role.crawlers.id
  policy = data.aws_iam_policy_document.crawlers.json
}
