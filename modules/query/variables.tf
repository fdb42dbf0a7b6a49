variable "workgroup" {
  description = "Full name of the workgroup."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9._-]{1,128}$", var.workgroup))
    error_message = "workgroup is '${var.workgroup}': Athena takes 1 to 128 letters, digits, dots, hyphens and underscores."
  }
}

variable "results" {
  description = "Where results go (s3://bucket/prefix/)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^s3://[^/]+/.+/$", var.results))
    error_message = "results is '${var.results}': give a place in the lake, s3://bucket/prefix/."
  }
}

variable "max_scanned_gb" {
  description = "The most that one question may scan, in gigabytes (10^9 bytes)."
  type        = number
  nullable    = false

  validation {
    condition     = var.max_scanned_gb >= 0.01
    error_message = "max_scanned_gb is ${var.max_scanned_gb}: Athena's least cutoff is 0.01 GB."
  }
}

variable "queries" {
  description = "Named queries by name: title, what it answers, the database that it is asked in, and the SQL."
  type        = map(object({ description = string, database = string, sql = string }))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for query in values(var.queries) : can(regex("(?i)^(--[^\\n]*\\n)*(SELECT|WITH)\\s", query.sql))])
    error_message = "queries: ${join(", ", [for name, query in var.queries : name if !can(regex("(?i)^(--[^\\n]*\\n)*(SELECT|WITH)\\s", query.sql))])}: a query is one SELECT below its comments."
  }

  validation {
    condition     = alltrue([for query in values(var.queries) : length(query.description) <= 1024 && length(query.sql) <= 262144])
    error_message = "queries: ${join(", ", [for name, query in var.queries : name if length(query.description) > 1024 || length(query.sql) > 262144])}: Athena takes 1,024 characters of description and 262,144 of SQL."
  }
}

variable "kms_key_arn" {
  description = "KMS key of results; null: S3's own (SSE-S3)."
  type        = string
  default     = null
}

variable "empties_on_destroy" {
  description = "Whether destroying also deletes queries that people saved in the workgroup."
  type        = bool
  default     = false
  nullable    = false
}
