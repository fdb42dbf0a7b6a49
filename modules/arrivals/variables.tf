variable "names" {
  description = "Full names: the queue, its dead letters, the rules and the role of the schedules."
  type = object({
    queue          = string
    dead_letters   = string
    object_created = string
    run_requested  = string
    run_ended      = string
    schedules_role = string
  })
  nullable = false

  validation {
    condition     = alltrue([for name in [var.names.queue, var.names.dead_letters] : can(regex("^[a-zA-Z0-9_-]{1,80}$", name))])
    error_message = "names: ${var.names.queue}, ${var.names.dead_letters}: SQS takes 1 to 80 letters, digits, hyphens and underscores."
  }

  validation {
    condition     = alltrue([for name in [var.names.object_created, var.names.run_requested, var.names.run_ended, var.names.schedules_role] : can(regex("^[a-zA-Z0-9._-]{1,64}$", name))])
    error_message = "names: ${join(", ", [var.names.object_created, var.names.run_requested, var.names.run_ended, var.names.schedules_role])}: rules and roles take 1 to 64 letters, digits, dots, hyphens and underscores."
  }
}

variable "watched" {
  description = "The lake's bucket and the prefix whose new objects are arrivals."
  type        = object({ bucket = string, prefix = string })
  nullable    = false

  validation {
    condition     = endswith(var.watched.prefix, "/")
    error_message = "watched.prefix is '${var.watched.prefix}': a prefix ends with a slash."
  }
}

variable "functions" {
  description = "The functions that are called: dispatcher (arrivals, requests) and run_ended, and those of the schedules."
  type        = map(object({ name = string, arn = string }))
  nullable    = false

  validation {
    condition     = alltrue([for name in ["dispatcher", "run_ended"] : contains(keys(var.functions), name)])
    error_message = "functions holds ${join(", ", keys(var.functions))}: it must hold dispatcher and run_ended."
  }
}

variable "queue" {
  description = "How messages wait: seconds until one that was not handled comes back, receives until it is a dead letter, days for which that is kept."
  type        = object({ visible_again_s = number, max_receives = number, dead_letters_days = number })
  nullable    = false

  validation {
    condition     = var.queue.visible_again_s >= 0 && var.queue.visible_again_s <= 43200
    error_message = "queue.visible_again_s is ${var.queue.visible_again_s}: SQS hides a message for 43200 s at most."
  }

  validation {
    condition     = var.queue.dead_letters_days >= 1 && var.queue.dead_letters_days <= 14
    error_message = "queue.dead_letters_days is ${var.queue.dead_letters_days}: SQS keeps messages for 1 to 14 days."
  }

  validation {
    condition     = var.queue.max_receives >= 1 && var.queue.max_receives <= 1000
    error_message = "queue.max_receives is ${var.queue.max_receives}: a message is received 1 to 1000 times before it is a dead letter."
  }
}

variable "batch" {
  description = "How many messages the dispatcher gets at once, and how long a batch may fill."
  type        = object({ size = number, window_s = number })
  nullable    = false

  validation {
    condition     = var.batch.size >= 1 && var.batch.size <= 10000 && (var.batch.size <= 10 || var.batch.window_s >= 1)
    error_message = "batch.size is ${var.batch.size}: Lambda takes 1 to 10000 messages at once, over 10 only with a window of at least 1 s (window_s is ${var.batch.window_s})."
  }

  validation {
    condition     = var.batch.window_s >= 0 && var.batch.window_s <= 300
    error_message = "batch.window_s is ${var.batch.window_s}: Lambda waits 0 to 300 s for a batch."
  }
}

variable "schedules" {
  description = "Schedules by short name: full name, when, in which time zone, which of the functions, and what it is given."
  type = map(object({
    name       = string
    expression = string
    time_zone  = string
    function   = string
    input      = map(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : can(regex(local.schedule_pattern, schedule.expression))])
    error_message = "schedules: ${join(", ", [for key, schedule in var.schedules : "${key} is '${schedule.expression}'" if !can(regex(local.schedule_pattern, schedule.expression))])}: write rate(1 hour), rate(5 minutes) or cron(0 3 * * ? *), with ? as its day of month or of the week."
  }

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : contains(keys(var.functions), schedule.function)])
    error_message = "schedules: ${join(", ", [for key, schedule in var.schedules : "${key} calls ${schedule.function}" if !contains(keys(var.functions), schedule.function)])}: that is none of functions."
  }
}

variable "requests" {
  description = "The event by which other programs ask for a run: its source and detail-type."
  type        = object({ source = string, detail_type = string })
  nullable    = false
}

variable "state_machine_arn" {
  description = "The state machine whose ends are told to run_ended."
  type        = string
  nullable    = false
}

variable "arn_prefixes" {
  description = "Beginnings of ARNs in the region and account at hand: sqs and events (arn:aws:sqs:region:account)."
  type        = object({ sqs = string, events = string })
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key of the queues; null: SQS's own."
  type        = string
  default     = null
}
