variable "tables" {
  description = <<-EOT
    DynamoDB tables by short name: the full name, the key's attributes, and indexes over all attributes. Keys are text.
  EOT
  type = map(object({
    name          = string
    partition_key = string
    sort_key      = optional(string)
    indexes       = optional(map(object({ partition_key = string, sort_key = string })), {})
  }))
  nullable = false

  validation {
    condition     = alltrue([for table in values(var.tables) : can(regex("^[a-zA-Z0-9_.-]{3,255}$", table.name))])
    error_message = "tables: ${join(", ", [for key, table in var.tables : "${key} is named '${table.name}'" if !can(regex("^[a-zA-Z0-9_.-]{3,255}$", table.name))])}: DynamoDB takes 3 to 255 letters, digits, dots, hyphens and underscores."
  }

  validation {
    condition     = alltrue([for table in values(var.tables) : table.partition_key != coalesce(table.sort_key, "-")])
    error_message = "tables: ${join(", ", [for key, table in var.tables : "${key} uses ${table.partition_key} twice" if table.partition_key == coalesce(table.sort_key, "-")])}: a table's two keys are two attributes."
  }
}

variable "secret" {
  description = "Full name of the secret that holds the key with which personal values are hashed. Its value is put once, by the deployment, and never stands in Terraform's state."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9/_+=.@-]{1,512}$", var.secret))
    error_message = "secret is '${var.secret}': Secrets Manager takes 1 to 512 letters, digits and /_+=.@-."
  }
}

variable "recovery_days" {
  description = "Days for which the secret can be brought back after it was destroyed. Without its key, hashes of old and new rows differ."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.recovery_days == 0 || (var.recovery_days >= 7 && var.recovery_days <= 30)
    error_message = "recovery_days is ${var.recovery_days}: Secrets Manager takes 7 to 30, or 0 for none."
  }
}

variable "is_protected" {
  description = "Whether the tables refuse to be deleted."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key of the tables and the secret; null: AWS's own."
  type        = string
  default     = null
}
