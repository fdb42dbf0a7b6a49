variable "buckets" {
  description = "Full names of the buckets: the lake, the artifacts that are deployed, and the access logs of both."
  type = object({
    lake      = string
    artifacts = string
    logs      = string
  })
  nullable = false

  validation {
    condition     = alltrue([for name in values(var.buckets) : length(name) >= 3 && length(name) <= 63])
    error_message = "buckets: ${join(", ", [for name in values(var.buckets) : "${name} (${length(name)} characters)" if length(name) > 63 || length(name) < 3])}: S3 takes 3 to 63 characters; shorten project or the environment's name in lake.yaml."
  }

  validation {
    condition     = alltrue([for name in values(var.buckets) : can(regex("^[a-z0-9][a-z0-9-]*[a-z0-9]$", name))])
    error_message = "buckets: ${join(", ", [for name in values(var.buckets) : name if !can(regex("^[a-z0-9][a-z0-9-]*[a-z0-9]$", name))])}: S3 takes small letters, digits and hyphens."
  }
}

variable "zones" {
  description = <<-EOT
    The lake bucket's zones by name. A zone holds either tables, whose own snapshots say what is kept, or objects that
    are deleted after so many days. Days until a cheaper storage class are from an object's creation.
  EOT
  type = map(object({
    prefix                 = string
    holds_tables           = optional(bool, false)
    kept_days              = optional(number)
    intelligent_after_days = optional(number)
    archive_after_days     = optional(number)
    keeps_versions         = optional(bool, false)
  }))
  nullable = false

  validation {
    condition     = alltrue([for zone in values(var.zones) : can(regex("^[a-z][a-z-]*/$", zone.prefix))])
    error_message = "zones: ${join(", ", [for name, zone in var.zones : "${name} has the prefix '${zone.prefix}'" if !can(regex("^[a-z][a-z-]*/$", zone.prefix))])}: a prefix is small letters and hyphens, and ends with a slash."
  }

  validation {
    condition = alltrue([
      for zone in values(var.zones) : zone.holds_tables ? zone.kept_days == null : try(zone.kept_days >= 1, false)
    ])
    error_message = "zones: ${join("; ", [for name, zone in var.zones : "${name} has kept_days ${zone.kept_days == null ? "null" : zone.kept_days}" if zone.holds_tables ? zone.kept_days != null : !try(zone.kept_days >= 1, false)])}: a zone of objects is kept for at least 1 day (kept_days in lake.yaml), and a zone of tables has none, since S3 would delete files that a table still needs."
  }

  validation {
    condition = alltrue([
      for zone in values(var.zones) :
      zone.holds_tables || try(zone.kept_days, null) == null ||
      try(max(coalesce(zone.intelligent_after_days, 0), coalesce(zone.archive_after_days, 0)) < zone.kept_days, false)
    ])
    error_message = "zones: ${join("; ", [for name, zone in var.zones : "${name} is deleted after ${coalesce(zone.kept_days, 0)} days" if !zone.holds_tables && !try(max(coalesce(zone.intelligent_after_days, 0), coalesce(zone.archive_after_days, 0)) < zone.kept_days, false)])}: objects move to a cheaper storage class before they are deleted, not after."
  }

  validation {
    condition     = alltrue([for zone in values(var.zones) : try(zone.archive_after_days > zone.intelligent_after_days, true)])
    error_message = "zones: ${join("; ", [for name, zone in var.zones : "${name} has archive_after_days ${coalesce(zone.archive_after_days, 0)} and intelligent_after_days ${coalesce(zone.intelligent_after_days, 0)}" if !try(zone.archive_after_days > zone.intelligent_after_days, true)])}: objects move to the archive after they moved to Intelligent-Tiering, not before."
  }
}

variable "noncurrent_days" {
  description = "Days for which overwritten and deleted objects are kept, outside zones that keep versions."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "noncurrent_days is ${var.noncurrent_days}: overwritten objects are kept for at least 1 day."
  }
}

variable "access_log_days" {
  description = "Days for which the log of requests to the buckets is kept."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.access_log_days >= 1
    error_message = "access_log_days is ${var.access_log_days}: access logs are kept for at least 1 day."
  }
}

variable "kms_key_arn" {
  description = "KMS key of the lake's and the artifacts' objects. Null: S3's own keys (SSE-S3)."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn is '${coalesce(var.kms_key_arn, "null")}': give the ARN of a key (arn:aws:kms:...)."
  }
}

variable "empties_on_destroy" {
  description = "Whether destroying deletes what is in the buckets, all versions of it. Off: a bucket that holds something stays."
  type        = bool
  default     = false
  nullable    = false
}
