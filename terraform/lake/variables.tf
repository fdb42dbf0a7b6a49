variable "environment" {
  description = "The environment of lake.yaml that is deployed."
  type        = string
  nullable    = false

  validation {
    condition     = var.environment != "local" && contains(keys(local.inventory.environments), var.environment)
    error_message = "environment is '${var.environment}': lake.yaml has ${join(", ", [for name in keys(local.inventory.environments) : name if name != "local"])} to deploy."
  }

  validation {
    condition     = length(try(local.mistakes[var.environment], [])) == 0 || var.environment == "local"
    error_message = "lake.yaml: ${join("; ", try(local.mistakes[var.environment], []))}."
  }
}

variable "account" {
  description = "Number of the AWS account that is deployed to. `make` gives that of the credentials in use."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^\\d{12}$", var.account))
    error_message = "account is '${var.account}': an AWS account's number has 12 digits."
  }
}

variable "owner" {
  description = "Who answers for this lake: a team or a person, as the tag Owner."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[\\w .:/=+@-]{1,256}$", var.owner))
    error_message = "owner is '${var.owner}': a tag takes 1 to 256 letters, digits, spaces and _.:/=+-@."
  }
}

variable "cost_center" {
  description = "Who pays for it, as the tag CostCenter."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[\\w .:/=+@-]{1,256}$", var.cost_center))
    error_message = "cost_center is '${var.cost_center}': a tag takes 1 to 256 letters, digits, spaces and _.:/=+-@."
  }
}

variable "subscribers" {
  description = "Who is told, by topic of lake.yaml (notifications, quality, cost), besides the e-mail addresses in lake.yaml."
  type = map(object({
    emails = optional(list(string), [])
    phones = optional(list(string), [])
    urls   = optional(list(string), [])
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(keys(var.subscribers), keys(local.inventory.topics))) == 0
    error_message = "subscribers names ${join(", ", setsubtract(keys(var.subscribers), keys(local.inventory.topics)))}: lake.yaml's topics are ${join(", ", keys(local.inventory.topics))}."
  }

  validation {
    condition     = alltrue(flatten([for readers in values(var.subscribers) : [for email in readers.emails : can(regex(local._email, email))]]))
    error_message = "subscribers: ${join(", ", flatten([for topic, readers in var.subscribers : [for email in readers.emails : "${topic}.emails has '${email}'" if !can(regex(local._email, email))]]))}: that is no e-mail address, such as on-call@example.com."
  }

  validation {
    condition     = alltrue(flatten([for readers in values(var.subscribers) : [for phone in readers.phones : can(regex(local._phone, phone))]]))
    error_message = "subscribers: ${join(", ", flatten([for topic, readers in var.subscribers : [for phone in readers.phones : "${topic}.phones has '${phone}'" if !can(regex(local._phone, phone))]]))}: write a telephone number as +441234567890."
  }

  validation {
    condition     = alltrue(flatten([for readers in values(var.subscribers) : [for url in readers.urls : can(regex(local._url, url))]]))
    error_message = "subscribers: ${join(", ", flatten([for topic, readers in var.subscribers : [for url in readers.urls : "${topic}.urls has '${url}'" if !can(regex(local._url, url))]]))}: messages go to https:// addresses alone."
  }
}

variable "watches_costs" {
  description = "Whether Cost Anomaly Detection watches the environment's costs. By tag it can in an organization's management account, or in an account without an organization, alone."
  type        = bool
  default     = false
  nullable    = false
}

variable "records_changes_to_the_account" {
  description = "Whether the lake's audit trail records all changes to the account too, which most accounts have a trail for."
  type        = bool
  default     = false
  nullable    = false
}

variable "trusted_arns" {
  description = "Who may take the roles analyst and operator without a second factor of the account's: ARNs of roles of single sign-on, with * and ?."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key of all that is stored. Its policy must let the services that docs/deploying.md names use it. Null: AWS's own keys."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws:kms:[a-z0-9-]+:\\d{12}:key/[0-9a-f-]+$", var.kms_key_arn))
    error_message = "kms_key_arn is '${coalesce(var.kms_key_arn, "null")}': give a key's ARN, arn:aws:kms:region:account:key/id."
  }
}

variable "network" {
  description = "A network of the lake's own, without a way to the internet. cidr: its addresses; zones: the letters of its availability zones."
  type = object({
    enabled = optional(bool, false)
    cidr    = optional(string, "10.20.0.0/20")
    zones   = optional(list(string), ["a", "b"])
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(cidrhost(var.network.cidr, 0)) && try(tonumber(split("/", var.network.cidr)[1]) >= 16 && tonumber(split("/", var.network.cidr)[1]) <= 22, false)
    error_message = "network.cidr is '${var.network.cidr}': give a block of /16 to /22, such as 10.20.0.0/20: a subnet has a sixteenth of it, and each Glue worker and endpoint takes an address."
  }

  validation {
    condition     = length(var.network.zones) >= 2 && length(var.network.zones) == length(distinct(var.network.zones)) && alltrue([for zone in var.network.zones : can(regex("^[a-z]$", zone))])
    error_message = "network.zones is [${join(", ", var.network.zones)}]: name two different zones at least by their letters, such as a and b."
  }
}

variable "empties_on_destroy" {
  description = "Whether destroying also deletes all files and tables, every version of them. `make destroy` sets it when asked to."
  type        = bool
  default     = false
  nullable    = false
}

variable "artifacts" {
  description = "The list of what `make build` built."
  type        = string
  default     = "../../build/deploy/artifacts.json"
  nullable    = false

  validation {
    condition     = fileexists(var.artifacts)
    error_message = "artifacts is '${var.artifacts}', and there is no such file: run `make build`, which `make plan` and `make deploy` do."
  }
}
