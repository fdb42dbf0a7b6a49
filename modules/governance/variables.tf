variable "prefix" {
  description = "What names of the environment begin with, such as shoplake-dev-."
  type        = string
  nullable    = false
}

variable "monthly_dollars" {
  description = "What the environment may cost in a month."
  type        = number
  nullable    = false

  validation {
    condition     = var.monthly_dollars > 0
    error_message = "monthly_dollars is ${var.monthly_dollars}: a budget is a positive number of US dollars."
  }
}

variable "anomaly_dollars" {
  description = <<-EOT
    From how much above the usual a day's costs are told of; null: costs aren't watched. Costs by tag can be watched in an
    organization's management account, or in an account without an organization, alone.
  EOT
  type        = number
  default     = null

  validation {
    condition     = var.anomaly_dollars == null || try(var.anomaly_dollars > 0, false)
    error_message = "anomaly_dollars is ${coalesce(var.anomaly_dollars, 0)}: give a positive number of US dollars, or null."
  }
}

variable "trusted_arns" {
  description = "Who may take the roles without a second factor of this account's: ARNs of roles of single sign-on, with * and ?."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.trusted_arns : can(regex("^arn:aws:iam::${var.account}:role/.+$", arn))])
    error_message = "trusted_arns: ${join(", ", [for arn in var.trusted_arns : arn if !can(regex("^arn:aws:iam::${var.account}:role/.+$", arn))])}: give ARNs of this account's roles, arn:aws:iam::${var.account}:role/aws-reserved/sso.amazonaws.com*/AWSReservedSSO_DataTeam_*."
  }
}

variable "tags" {
  description = "The tags by which the environment's costs are told from others: Project and Environment."
  type        = object({ Project = string, Environment = string })
  nullable    = false
}

variable "cost_topic_arn" {
  description = "The topic that hears of costs."
  type        = string
  nullable    = false
}

variable "account" {
  description = "The account whose people may take the roles."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^\\d{12}$", var.account))
    error_message = "account is '${var.account}': an account's number has 12 digits."
  }
}

variable "roles" {
  description = "Roles that people take, by short name: what for, and the statements. A session lasts an hour."
  type = map(object({
    what = string
    statements = list(object({
      sid        = string
      actions    = list(string)
      resources  = list(string)
      conditions = optional(map(list(string)), {})
      reason     = optional(string)
    }))
  }))
  nullable = false

  validation {
    condition     = alltrue(flatten([for role in values(var.roles) : [for statement in role.statements : [for action in statement.actions : !strcontains(action, "*")]]]))
    error_message = "roles: ${join(", ", [for key, role in var.roles : key if anytrue(flatten([for statement in role.statements : [for action in statement.actions : strcontains(action, "*")]]))])}: name each action; none may hold a *."
  }

  validation {
    condition     = alltrue(flatten([for role in values(var.roles) : [for statement in role.statements : !contains(statement.resources, "*") || statement.reason != null]]))
    error_message = "roles: ${join(", ", [for key, role in var.roles : "${key}'s statements over all resources" if anytrue([for statement in role.statements : contains(statement.resources, "*") && statement.reason == null])])}: give the reason why the API has no narrower resource."
  }
}
