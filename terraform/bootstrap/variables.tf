variable "region" {
  description = "The region of the state's bucket."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-\\d$", var.region))
    error_message = "region is '${var.region}': give a region such as us-east-1."
  }
}

variable "bucket" {
  description = "Name of the bucket that holds the state of all environments of the account and region."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "bucket is '${var.bucket}' (${length(var.bucket)} characters): S3 takes 3 to 63 small letters, digits and hyphens."
  }
}

variable "noncurrent_days" {
  description = "Days for which earlier states are kept."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.noncurrent_days >= 30
    error_message = "noncurrent_days is ${var.noncurrent_days}: earlier states are kept for at least 30 days, the time in which a mistake shows."
  }
}

variable "tags" {
  description = "Tags of the bucket besides Project and Environment."
  type        = map(string)
  default     = {}
  nullable    = false
}
