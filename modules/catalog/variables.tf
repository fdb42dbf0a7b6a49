variable "databases" {
  description = "Catalog databases by short name: the full name, and the zone of the lake's bucket where its tables live."
  type        = map(object({ name = string, location = string }))
  nullable    = false

  validation {
    condition     = alltrue([for database in values(var.databases) : can(regex("^[a-z][a-z0-9_]{0,254}$", database.name))])
    error_message = "databases: ${join(", ", [for key, database in var.databases : "${key} is named '${database.name}'" if !can(regex("^[a-z][a-z0-9_]{0,254}$", database.name))])}: Athena takes small letters, digits and underscores."
  }

  validation {
    condition     = alltrue([for database in values(var.databases) : can(regex("^s3://[^/]+/.+/$", database.location))])
    error_message = "databases: ${join(", ", [for key, database in var.databases : "${key} is at '${database.location}'" if !can(regex("^s3://[^/]+/.+/$", database.location))])}: a location is s3://bucket/prefix/."
  }
}

variable "crawlers" {
  description = <<-EOT
    A crawler a dataset: its full name, the folder that it reads, and the custom classifiers that it tries first, in
    order (keys of `classifiers`).
  EOT
  type = map(object({
    name        = string
    path        = string
    classifiers = list(string)
  }))
  nullable = false

  validation {
    condition     = alltrue([for crawler in values(var.crawlers) : can(regex("^s3://[^/]+/.+/$", crawler.path))])
    error_message = "crawlers: ${join(", ", [for key, crawler in var.crawlers : "${key} reads '${crawler.path}'" if !can(regex("^s3://[^/]+/.+/$", crawler.path))])}: a crawler reads one folder, s3://bucket/prefix/folder/."
  }

  validation {
    condition     = alltrue(flatten([for crawler in values(var.crawlers) : [for name in crawler.classifiers : contains(keys(var.classifiers), name)]]))
    error_message = "crawlers: ${join(", ", flatten([for key, crawler in var.crawlers : [for name in crawler.classifiers : "${key} names ${name}" if !contains(keys(var.classifiers), name)]]))}: that is none of the classifiers."
  }
}

variable "classifiers" {
  description = "Custom classifiers: full name, and the path of the records in a JSON file (null: comma-separated files)."
  type        = map(object({ name = string, json_path = optional(string) }))
  nullable    = false
  default     = {}
}

variable "crawled_database" {
  description = "Key of the database that crawlers write to."
  type        = string
  default     = "raw"
  nullable    = false

  validation {
    condition     = contains(keys(var.databases), var.crawled_database)
    error_message = "crawled_database is '${var.crawled_database}', which is none of databases."
  }
}

variable "role_name" {
  description = "Name of the crawlers' role."
  type        = string
  nullable    = false
}

variable "bucket_arn" {
  description = "ARN of the lake's bucket."
  type        = string
  nullable    = false
}

variable "arn_prefixes" {
  description = "Beginnings of ARNs in the region and account at hand: glue (arn:aws:glue:region:account) and logs."
  type        = object({ glue = string, logs = string })
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key of the lake's objects; null where there is none."
  type        = string
  default     = null
}
