# Mistakes in an environment's settings, as sentences: what modules would refuse by names of their own.

locals {
  # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
  _log_days     = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
  _worker_types = ["G.1X", "G.2X", "G.4X", "G.8X"]

  # Who can be told: an e-mail address, a telephone number with its country, an address with TLS.
  _email = "^[^@\\s]+@[^@\\s.]+(\\.[^@\\s.]+)+$"
  _phone = "^\\+[1-9]\\d{6,14}$"
  _url   = "^https://[^\\s/]+"

  # By environment, whichever is deployed: `var.environment` refuses its own.
  mistakes = {
    for environment, settings in local.inventory.environments : environment => [
      for sentence in concat(
        [for email in settings.alerts : "alerts has '${email}': that is no e-mail address, such as on-call@example.com" if !can(regex(local._email, email))],
        [
          for zone in keys(local.zones) : "kept_days lacks ${zone}: every zone of objects is kept for a number of days"
          if !contains(local.table_zones, zone) && try(settings.kept_days[zone], null) == null
        ],
        [for zone, days in try(settings.kept_days, {}) : "kept_days.${zone} is ${jsonencode(days)}: a zone is kept for at least 1 day" if !try(days >= 1, true)],
        [for kind, days in settings.log_days : "log_days.${kind} is ${jsonencode(days)}: CloudWatch Logs keeps ${join(", ", local._log_days)} days" if !contains(local._log_days, days)],
        [for kind in ["audit"] : "log_days lacks audit: what is deployed has an audit trail" if try(settings.log_days.audit, null) == null],
        [for days in [try(settings.log_days.audit, null)] : "log_days.audit is ${days}: what is deployed keeps its audit trail for at least 90 days" if try(days < 90, false)],
        [for kind in ["execution_log"] : "lacks execution_log: say what Step Functions logs of a run, such as {level: ERROR, with_data: false}" if try(settings.execution_log, null) == null],
        [for kind in ["budget"] : "lacks monthly_dollars: what is deployed has a budget" if try(settings.monthly_dollars, null) == null],
        [for type in [settings.worker.type] : "worker.type is '${type}': jobs run on ${join(", ", local._worker_types)}" if !contains(local._worker_types, type)],
      ) : "environments.${environment}${startswith(sentence, "lacks") ? " " : "."}${sentence}"
    ]
  }
}
