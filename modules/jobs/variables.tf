variable "jobs" {
  description = <<-EOT
    Glue jobs by short name: full name, its script (a file, its key in the artifacts bucket and its hash),
    and the statements of its role.
  EOT
  type = map(object({
    name        = string
    timeout_min = number
    script      = object({ path = string, key = string, sha256_base64 = string })
    statements = optional(list(object({
      sid        = string
      actions    = list(string)
      resources  = list(string)
      conditions = optional(map(list(string)), {}) # a variable and what it may be like
      reason     = optional(string)
    })), [])
  }))
  nullable = false

  validation {
    condition     = alltrue([for job in values(var.jobs) : length(job.name) <= 255 && can(regex("^[a-z][a-z0-9-]*$", job.name))])
    error_message = "jobs: ${join(", ", [for key, job in var.jobs : "${key} is named '${job.name}'" if !can(regex("^[a-z][a-z0-9-]{0,254}$", job.name))])}: names are small letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for job in values(var.jobs) : job.timeout_min >= 1 && job.timeout_min <= 10080])
    error_message = "jobs: ${join(", ", [for key, job in var.jobs : "${key} has timeout_min ${job.timeout_min}" if job.timeout_min < 1 || job.timeout_min > 10080])}: Glue ends a job after 1 to 10080 minutes."
  }

  validation {
    condition = alltrue(flatten([
      for job in values(var.jobs) : [for statement in job.statements : [for action in statement.actions : !strcontains(action, "*")]]
    ]))
    error_message = "jobs: ${join(", ", [for key, job in var.jobs : key if anytrue(flatten([for statement in job.statements : [for action in statement.actions : strcontains(action, "*")]]))])}: name each action; none may hold a *."
  }

  validation {
    condition = alltrue(flatten([
      for job in values(var.jobs) : [for statement in job.statements : !contains(statement.resources, "*") || statement.reason != null]
    ]))
    error_message = "jobs: ${join(", ", [for key, job in var.jobs : "${key}'s statements over all resources" if anytrue([for statement in job.statements : contains(statement.resources, "*") && statement.reason == null])])}: give the reason why the API has no narrower resource."
  }
}

variable "glue_version" {
  description = "Glue's version: it decides Spark's, Python's and Iceberg's."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[5-9]\\.\\d$", var.glue_version))
    error_message = "glue_version is '${var.glue_version}': the jobs need Spark 3.5 and Iceberg branches, which come with 5.0 and later."
  }
}

variable "worker" {
  description = "Workers of each job: their type, and the most of them; auto-scaling takes no more than a job needs."
  type        = object({ type = string, number = number })
  nullable    = false

  validation {
    condition     = contains(["G.1X", "G.2X", "G.4X", "G.8X"], var.worker.type)
    error_message = "worker.type is '${var.worker.type}': jobs run on G.1X, G.2X, G.4X or G.8X."
  }

  validation {
    condition     = var.worker.number >= 2
    error_message = "worker.number is ${var.worker.number}: a job needs 2 workers at least, one of them Spark's driver."
  }
}

variable "artifacts_bucket" {
  description = "Name of the bucket that scripts, the wheel and the wheelhouse are uploaded to."
  type        = string
  nullable    = false
}

variable "wheel" {
  description = "The lake's own code as a wheel."
  type        = object({ path = string, key = string, sha256_base64 = string })
  nullable    = false
}

variable "wheelhouse" {
  description = "Python packages that Glue lacks, as a zip of wheels. Null: none."
  type        = object({ path = string, key = string, sha256_base64 = string })
  default     = null

  validation {
    condition     = var.wheelhouse == null || endswith(try(var.wheelhouse.key, ""), ".gluewheels.zip")
    error_message = "wheelhouse.key is '${try(var.wheelhouse.key, "")}': Glue knows a zip of wheels by the ending .gluewheels.zip."
  }
}

variable "spark_settings" {
  description = "Spark's settings of all jobs."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "arguments" {
  description = "The lake's own arguments of all jobs, such as --env."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "log_days" {
  description = "Days for which logs are kept."
  type        = number
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_days)
    error_message = "log_days is ${var.log_days}: CloudWatch Logs keeps 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "log_group_prefix" {
  description = "Log groups of the jobs' output and errors begin with this: one of an environment's own, so that retention and rights are its own."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.log_group_prefix, "/aws-glue/")
    error_message = "log_group_prefix is '${var.log_group_prefix}': Glue's logs are under /aws-glue/."
  }
}

variable "arn_prefixes" {
  description = "Beginnings of ARNs in the region and account at hand: glue (arn:aws:glue:region:account) and logs."
  type        = object({ glue = string, logs = string })
  nullable    = false
}

variable "connection" {
  description = "Name of the Glue connection whose network jobs run in. Null: AWS's own network."
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = "KMS key of logs; null: AWS's own."
  type        = string
  default     = null
}
