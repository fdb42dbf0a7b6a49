variable "alarms" {
  description = <<-EOT
    Metric alarms by full name, as monitoring/alarms.yaml declares them: metric is namespace and name, missing what a
    period without data means, topic_arn whom an alarm tells (null: nobody), description ends with what to do next.
  EOT
  type = map(object({
    metric      = tuple([string, string])
    dimensions  = map(string)
    statistic   = string
    comparison  = string
    threshold   = number
    period_s    = number
    periods     = optional(number, 1)
    missing     = string
    topic_arn   = optional(string)
    description = string
  }))
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.alarms) : length(name) <= 255])
    error_message = "alarms: ${join(", ", [for name in keys(var.alarms) : name if length(name) > 255])}: CloudWatch takes names of up to 255 characters."
  }

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : alarm.period_s >= 60 && alarm.period_s % 60 == 0 && alarm.period_s * alarm.periods <= 86400])
    error_message = "alarms: ${join(", ", [for name, alarm in var.alarms : "${name} looks at ${alarm.periods} periods of ${alarm.period_s} s" if alarm.period_s < 60 || alarm.period_s % 60 != 0 || alarm.period_s * alarm.periods > 86400])}: periods are whole minutes, and all of them a day at most."
  }

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : contains(["Sum", "Average", "Minimum", "Maximum", "SampleCount"], alarm.statistic)])
    error_message = "alarms: ${join(", ", [for name, alarm in var.alarms : "${name} has statistic '${alarm.statistic}'" if !contains(["Sum", "Average", "Minimum", "Maximum", "SampleCount"], alarm.statistic)])}: CloudWatch has Sum, Average, Minimum, Maximum and SampleCount."
  }

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : contains(["notBreaching", "breaching", "ignore", "missing"], alarm.missing)])
    error_message = "alarms: ${join(", ", [for name, alarm in var.alarms : "${name} has missing '${alarm.missing}'" if !contains(["notBreaching", "breaching", "ignore", "missing"], alarm.missing)])}: CloudWatch has notBreaching, breaching, ignore and missing."
  }

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : can(regex("Next: .+", alarm.description)) && length(alarm.description) <= 1024])
    error_message = "alarms: ${join(", ", [for name, alarm in var.alarms : name if !can(regex("Next: .+", alarm.description)) || length(alarm.description) > 1024])}: a description ends with `Next: ` and what to do, in 1,024 characters."
  }
}

variable "dashboards" {
  description = "Dashboards by full name: the body as JSON."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for body in values(var.dashboards) : can(jsondecode(body).widgets)])
    error_message = "dashboards: ${join(", ", [for name, body in var.dashboards : name if !can(jsondecode(body).widgets)])}: that is not the JSON of a dashboard."
  }
}

variable "log_metrics" {
  description = "Metrics counted in logs, by full name: the log group, the pattern of the lines that count, and the metric's namespace and name."
  type        = map(object({ log_group = string, pattern = string, metric = tuple([string, string]) }))
  default     = {}
  nullable    = false
}
