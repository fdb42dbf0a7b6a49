variable "name" {
  description = "Full name of the trail."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9._-]{2,127}$", var.name))
    error_message = "name is '${var.name}': CloudTrail takes 3 to 128 letters, digits, dots, hyphens and underscores."
  }
}

variable "bucket" {
  description = "Full name of the bucket that the trail writes to."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "bucket is '${var.bucket}' (${length(var.bucket)} characters): S3 takes 3 to 63 small letters, digits and hyphens."
  }
}

variable "watched" {
  description = "Buckets of which every read and write of an object is recorded, as ARNs."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.watched) > 0 && alltrue([for arn in var.watched : can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9-]+$", arn))])
    error_message = "watched is [${join(", ", var.watched)}]: name at least one bucket by its ARN."
  }
}

variable "records_changes_to_the_account" {
  description = "Whether all changes to the account are recorded too. Off: most accounts have a trail that does, and a further one is paid for."
  type        = bool
  default     = false
  nullable    = false
}

variable "trail_arn" {
  description = "ARN that the trail will have; the bucket lets no other trail write."
  type        = string
  nullable    = false
}

variable "account" {
  description = "The account whose calls are recorded."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^\\d{12}$", var.account))
    error_message = "account is '${var.account}': an account's number has 12 digits."
  }
}

variable "kept_days" {
  description = "Days for which records are kept."
  type        = number
  nullable    = false

  validation {
    condition     = var.kept_days >= 90
    error_message = "kept_days is ${var.kept_days}: records are kept for at least 90 days, so that what is found late can be looked up."
  }
}

variable "kms_key_arn" {
  description = "KMS key of the records; null: S3's own keys."
  type        = string
  default     = null
}

variable "empties_on_destroy" {
  description = "Whether destroying deletes the records."
  type        = bool
  default     = false
  nullable    = false
}
