variable "topics" {
  description = "Topics by short name: full name, ARN, who is told by e-mail, SMS and HTTPS, and which AWS services may publish."
  type = map(object({
    name     = string
    arn      = string
    emails   = optional(list(string), [])
    phones   = optional(list(string), [])
    urls     = optional(list(string), [])
    services = optional(list(string), ["cloudwatch.amazonaws.com"])
  }))
  nullable = false

  validation {
    condition     = alltrue([for topic in values(var.topics) : can(regex("^[a-zA-Z0-9_-]{1,256}$", topic.name))])
    error_message = "topics: ${join(", ", [for key, topic in var.topics : "${key} is named '${topic.name}'" if !can(regex("^[a-zA-Z0-9_-]{1,256}$", topic.name))])}: SNS takes 1 to 256 letters, digits, hyphens and underscores."
  }

  validation {
    condition     = alltrue(flatten([for topic in values(var.topics) : [for email in topic.emails : can(regex("^[^@\\s]+@[^@\\s.]+(\\.[^@\\s.]+)+$", email))]]))
    error_message = "topics: ${join(", ", flatten([for key, topic in var.topics : [for email in topic.emails : "${key}.emails has '${email}'" if !can(regex("^[^@\\s]+@[^@\\s.]+(\\.[^@\\s.]+)+$", email))]]))}: that is no e-mail address, such as on-call@example.com."
  }

  validation {
    condition     = alltrue(flatten([for topic in values(var.topics) : [for phone in topic.phones : can(regex("^\\+[1-9]\\d{6,14}$", phone))]]))
    error_message = "topics: ${join(", ", flatten([for key, topic in var.topics : [for phone in topic.phones : "${key}.phones has '${phone}'" if !can(regex("^\\+[1-9]\\d{6,14}$", phone))]]))}: write a telephone number as +441234567890."
  }

  validation {
    condition     = alltrue(flatten([for topic in values(var.topics) : [for url in topic.urls : can(regex("^https://[^\\s/]+", url))]]))
    error_message = "topics: ${join(", ", flatten([for key, topic in var.topics : [for url in topic.urls : "${key}.urls has '${url}'" if !can(regex("^https://[^\\s/]+", url))]]))}: messages go to https:// addresses alone."
  }
}

variable "account" {
  description = "The account that publishing services must act for."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^\\d{12}$", var.account))
    error_message = "account is '${var.account}': an account's number has 12 digits."
  }
}

variable "kms_key_arn" {
  description = "KMS key of the topics. Null: not encrypted at rest, since AWS's own key lets no alarm publish."
  type        = string
  default     = null
}
