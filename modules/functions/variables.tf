variable "functions" {
  description = <<-EOT
    Functions by short name: full name, what it does, sizes, the package in the artifacts bucket with its hash
    (base64 of SHA-256), and the statements of its role. A statement over all resources states its reason.
  EOT
  type = map(object({
    name         = string
    does         = string
    memory_mb    = number
    timeout_s    = number
    ephemeral_mb = optional(number, 512)
    package      = object({ path = string, key = string, sha256_base64 = string })
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
    condition     = alltrue([for function in values(var.functions) : can(regex("^[a-zA-Z0-9_-]{1,64}$", function.name))])
    error_message = "functions: ${join(", ", [for key, function in var.functions : "${key} is named '${function.name}'" if !can(regex("^[a-zA-Z0-9_-]{1,64}$", function.name))])}: Lambda takes 1 to 64 letters, digits, hyphens and underscores."
  }

  validation {
    condition     = alltrue([for function in values(var.functions) : function.memory_mb >= 128 && function.memory_mb <= 10240])
    error_message = "functions: ${join(", ", [for key, function in var.functions : "${key} has memory_mb ${function.memory_mb}" if function.memory_mb < 128 || function.memory_mb > 10240])}: Lambda gives 128 to 10240 MB."
  }

  validation {
    condition     = alltrue([for function in values(var.functions) : function.timeout_s >= 1 && function.timeout_s <= 900])
    error_message = "functions: ${join(", ", [for key, function in var.functions : "${key} has timeout_s ${function.timeout_s}" if function.timeout_s < 1 || function.timeout_s > 900])}: Lambda ends a call after 900 s at the latest."
  }

  validation {
    condition     = alltrue([for function in values(var.functions) : function.ephemeral_mb >= 512 && function.ephemeral_mb <= 10240])
    error_message = "functions: ${join(", ", [for key, function in var.functions : "${key} has ephemeral_mb ${function.ephemeral_mb}" if function.ephemeral_mb < 512 || function.ephemeral_mb > 10240])}: Lambda gives 512 to 10240 MB of disk."
  }

  validation {
    condition = alltrue(flatten([
      for function in values(var.functions) : [for statement in function.statements : [for action in statement.actions : !strcontains(action, "*")]]
    ]))
    error_message = "functions: ${join(", ", flatten([for key, function in var.functions : [for statement in function.statements : ["${key} may ${join(", ", statement.actions)}"] if strcontains(join(" ", statement.actions), "*")]]))}: name each action; none may hold a *."
  }

  validation {
    condition = alltrue(flatten([
      for function in values(var.functions) : [for statement in function.statements : !contains(statement.resources, "*") || statement.reason != null]
    ]))
    error_message = "functions: ${join(", ", flatten([for key, function in var.functions : ["${key}'s statements over all resources"] if anytrue([for statement in function.statements : contains(statement.resources, "*") && statement.reason == null])]))}: give the reason why the API has no narrower resource."
  }
}

variable "artifacts_bucket" {
  description = "Name of the bucket that packages and the layer are uploaded to."
  type        = string
  nullable    = false
}

variable "layer" {
  description = "The layer that all functions share: its full name and its zip with its hash. Null: no layer."
  type        = object({ name = string, path = string, key = string, sha256_base64 = string })
  default     = null
}

variable "runtime" {
  description = "Lambda's runtime."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^python3\\.\\d+$", var.runtime))
    error_message = "runtime is '${var.runtime}': functions are Python, such as python3.13."
  }
}

variable "architecture" {
  description = "The processor that functions run on."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is '${var.architecture}': Lambda has arm64 and x86_64."
  }
}

variable "handler" {
  description = "The function's entry, as file.function."
  type        = string
  default     = "handler.handler"
  nullable    = false
}

variable "environment" {
  description = "Environment variables of all functions; each gets POWERTOOLS_SERVICE_NAME besides, its own short name."
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

variable "arn_prefixes" {
  description = "Beginning of ARNs of logs in the region and account at hand (arn:aws:logs:region:account)."
  type        = object({ logs = string })
  nullable    = false
}

variable "network" {
  description = "Subnets and security groups that functions run in. Null: AWS's own network."
  type        = object({ subnet_ids = list(string), security_group_ids = list(string) })
  default     = null
}

variable "kms_key_arn" {
  description = "KMS key of logs and environment variables; null: AWS's own."
  type        = string
  default     = null
}
