# Every name of the lake, as shoplake/config.py derives them: `shoplake-{env}-...`, databases `{name}_{env}`.

locals {
  account = var.account
  region  = local.settings.region
  prefix  = "${local.inventory.project}-${var.environment}-"

  buckets = { for name in ["lake", "artifacts", "logs"] : name => "${local.prefix}${name}-${local.account}" }
  bucket  = local.buckets.lake
  zones   = local.inventory.zones

  # A zone that bears a database's name holds its tables; raw ones are views of files.
  table_zones = [for name in local.inventory.databases : name if name != "raw"]

  databases       = { for name in local.inventory.databases : name => "${name}_${var.environment}" }
  function_names  = { for name in keys(local.inventory.functions) : name => "${local.prefix}${replace(name, "_", "-")}" }
  job_names       = { for name in keys(local.inventory.jobs) : name => "${local.prefix}${replace(name, "_", "-")}" }
  crawler_names   = { for name in keys(local.inventory.datasets) : name => "${local.prefix}raw-${replace(name, "_", "-")}" }
  topic_names     = { for name, topic in local.inventory.topics : name => "${local.prefix}${topic}" }
  schedule_names  = { for name in concat(keys(local.schedules), ["measure"]) : name => "${local.prefix}${name}" }
  queue_names     = { arrivals = "${local.prefix}arrivals", dead_letters = "${local.prefix}arrivals-dead-letters" }
  run_state_names = { for name in ["files", "runs"] : name => "${local.prefix}${name}" }
  state_machine   = "${local.prefix}${local.inventory.state_machine.name}"
  workgroup       = "${local.prefix}${local.inventory.athena.workgroup}"
  secret          = "${local.prefix}${local.inventory.personal_data.secret}"

  # Beginnings of ARNs in this region and account.
  arns = {
    for service in ["athena", "cloudwatch", "dynamodb", "events", "glue", "lambda", "logs", "secretsmanager", "sns", "sqs", "states"] :
    service => "arn:aws:${service}:${local.region}:${local.account}"
  }
  bucket_arn        = "arn:aws:s3:::${local.bucket}"
  function_arns     = { for name, full_name in local.function_names : name => "${local.arns.lambda}:function:${full_name}" }
  job_arns          = { for name, full_name in local.job_names : name => "${local.arns.glue}:job/${full_name}" }
  crawler_arns      = { for name, full_name in local.crawler_names : name => "${local.arns.glue}:crawler/${full_name}" }
  topic_arns        = { for name, full_name in local.topic_names : name => "${local.arns.sns}:${full_name}" }
  run_state_arns    = { for name, full_name in local.run_state_names : name => "${local.arns.dynamodb}:table/${full_name}" }
  state_machine_arn = "${local.arns.states}:stateMachine:${local.state_machine}"
}
