variable "name" {
  description = "Full name of the state machine."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,80}$", var.name))
    error_message = "name is '${var.name}': Step Functions takes 1 to 80 letters, digits, hyphens and underscores."
  }
}

variable "definition" {
  description = "The definition (Amazon States Language, JSON), its placeholders filled."
  type        = string
  nullable    = false

  validation {
    condition     = can(jsondecode(var.definition).States)
    error_message = "definition: ${substr(var.definition, 0, 60)}...: that is not a state machine in JSON."
  }

  validation {
    condition     = !can(regex("\\$\\{", var.definition))
    error_message = "definition holds ${try(regex("\\$\\{[^}]*\\}?", var.definition), "")}: fill every placeholder."
  }
}

variable "role_name" {
  description = "Name of the state machine's role."
  type        = string
  nullable    = false
}

variable "calls" {
  description = "What the states call: ARNs of functions, of Glue jobs and of crawlers, and of the objects that list a run's files."
  type = object({
    functions = list(string)
    jobs      = list(string)
    crawlers  = list(string)
    manifests = string
  })
  nullable = false

  validation {
    condition     = alltrue([for arn in concat(var.calls.functions, var.calls.jobs, var.calls.crawlers) : startswith(arn, "arn:") && !endswith(arn, "*")])
    error_message = "calls: ${join(", ", [for arn in concat(var.calls.functions, var.calls.jobs, var.calls.crawlers) : arn if !startswith(arn, "arn:") || endswith(arn, "*")])}: name each function, job and crawler by its ARN."
  }
}

variable "arn_prefix" {
  description = "Beginning of ARNs of state machines in the region and account at hand (arn:aws:states:region:account)."
  type        = string
  nullable    = false
}

variable "log" {
  description = "What of executions is logged: ALL, ERROR, FATAL or OFF, with their data or without, kept for so many days."
  type        = object({ level = optional(string, "ERROR"), with_data = optional(bool, false), days = number })
  nullable    = false

  validation {
    condition     = contains(["ALL", "ERROR", "FATAL", "OFF"], var.log.level)
    error_message = "log.level is '${var.log.level}': Step Functions has ALL, ERROR, FATAL and OFF."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log.days)
    error_message = "log.days is ${var.log.days}: CloudWatch Logs keeps 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "kms_key_arn" {
  description = "KMS key of the log; null: AWS's own."
  type        = string
  default     = null
}
