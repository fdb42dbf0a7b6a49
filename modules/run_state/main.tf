# What the lake remembers outside its tables: every file that came, every run, the lock, and the key of personal data.

locals {
  _attributes = {
    for key, table in var.tables : key => distinct(compact(concat(
      [table.partition_key, table.sort_key],
      flatten([for index in values(table.indexes) : [index.partition_key, index.sort_key]]),
    )))
  }
}

resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_119:encrypted with DynamoDB's own key unless kms_key_arn is given
  #checkov:skip=CKV2_AWS_16:on demand: capacity follows the calls
  for_each = var.tables

  name                        = each.value.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.partition_key
  range_key                   = each.value.sort_key
  deletion_protection_enabled = var.is_protected

  dynamic "attribute" {
    for_each = local._attributes[each.key]
    content {
      name = attribute.value
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = each.value.indexes
    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value.partition_key
      range_key       = global_secondary_index.value.sort_key
      projection_type = "ALL"
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  dynamic "server_side_encryption" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]
    content {
      enabled     = true
      kms_key_arn = server_side_encryption.value
    }
  }
}

resource "aws_secretsmanager_secret" "personal_data" {
  #checkov:skip=CKV_AWS_149:encrypted with Secrets Manager's own key unless kms_key_arn is given
  #checkov:skip=CKV2_AWS_57:another key makes other hashes: rotation is a rebuild, never automatic
  name                    = var.secret
  description             = "The key with which personal values are hashed. Another key needs a rebuild of the lake."
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_days
}
