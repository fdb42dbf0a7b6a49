variable "name" {
  description = "What names of the network begin with, such as shoplake-dev."
  type        = string
  nullable    = false
}

variable "cidr" {
  description = "The network's addresses."
  type        = string
  nullable    = false

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 22, false)
    error_message = "cidr is '${var.cidr}': give a block of /16 to /22, such as 10.20.0.0/20: a subnet has a sixteenth of it, and each Glue worker and endpoint takes an address."
  }
}

variable "availability_zones" {
  description = "Names of the availability zones, a subnet each."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.availability_zones) >= 2 && length(var.availability_zones) == length(distinct(var.availability_zones))
    error_message = "availability_zones is [${join(", ", var.availability_zones)}]: name two different zones at least, so that one may fail."
  }
}

variable "region" {
  description = "The region, which names of endpoints hold."
  type        = string
  nullable    = false
}

variable "services" {
  description = "Services that are reached by an interface endpoint. S3 and DynamoDB have gateways, which cost nothing."
  type        = set(string)
  default     = ["athena", "events", "glue", "lambda", "logs", "monitoring", "secretsmanager", "sns", "sqs", "states", "sts", "xray"]
  nullable    = false

  validation {
    condition     = length(setintersection(var.services, ["s3", "dynamodb"])) == 0
    error_message = "services names ${join(" and ", setintersection(var.services, ["s3", "dynamodb"]))}: those have gateway endpoints."
  }
}

variable "flow_log_days" {
  description = "Days for which the log of connections is kept."
  type        = number
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.flow_log_days)
    error_message = "flow_log_days is ${var.flow_log_days}: CloudWatch Logs keeps 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "arn_prefixes" {
  description = "Beginning of ARNs of logs in the region and account at hand (arn:aws:logs:region:account)."
  type        = object({ logs = string })
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key of the flow log; null: AWS's own."
  type        = string
  default     = null
}
