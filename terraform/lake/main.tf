# The lake, module by module, in the order in which a file meets them.

locals {
  _kms_access = var.kms_key_arn == null ? [] : [
    { sid = "UseTheKey", actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [var.kms_key_arn] },
  ]
}

module "lake_storage" {
  source = "../../modules/lake_storage"

  buckets            = local.buckets
  noncurrent_days    = local.inventory.noncurrent_days
  access_log_days    = local.settings.log_days.audit
  kms_key_arn        = var.kms_key_arn
  empties_on_destroy = var.empties_on_destroy

  zones = {
    for name, prefix in local.zones : name => {
      prefix                 = prefix
      holds_tables           = contains(local.table_zones, name)
      kept_days              = try(local.settings.kept_days[name], null)
      intelligent_after_days = name == "raw" ? try(local.settings.raw_tiers.intelligent_after_days, null) : null
      archive_after_days     = name == "raw" ? try(local.settings.raw_tiers.archive_after_days, null) : null
      keeps_versions         = name == "raw"
    }
  }
}

module "run_state" {
  source = "../../modules/run_state"

  secret        = local.secret
  kms_key_arn   = var.kms_key_arn
  is_protected  = !var.empties_on_destroy
  recovery_days = var.empties_on_destroy ? 0 : 30

  tables = {
    files = {
      name          = local.run_state_names.files
      partition_key = "object_id"
      indexes = {
        waiting = { partition_key = "waiting", sort_key = "waiting_since" }
        content = { partition_key = "content", sort_key = "arrived_at" }
      }
    }
    runs = {
      name          = local.run_state_names.runs
      partition_key = "kind"
      sort_key      = "id"
    }
  }
}

module "catalog" {
  source = "../../modules/catalog"

  databases    = { for name, full_name in local.databases : name => { name = full_name, location = "s3://${local.bucket}/${local.zones[name]}" } }
  role_name    = "${local.prefix}crawlers"
  bucket_arn   = local.bucket_arn
  arn_prefixes = { glue = local.arns.glue, logs = local.arns.logs }
  kms_key_arn  = var.kms_key_arn

  crawlers = {
    for name, full_name in local.crawler_names : name => {
      name        = full_name
      path        = "s3://${local.bucket}/${local.zones.raw}${name}/"
      classifiers = concat([for path in local._record_paths[name] : "json-${name}-${replace(path, ".", "-")}"], ["csv", "json"])
    }
  }

  # JSON: a file's own array, or one at a place that the contract names.
  classifiers = merge(
    {
      csv  = { name = "${local.prefix}csv" }
      json = { name = "${local.prefix}json", json_path = "$[*]" }
    },
    merge([
      for name, paths in local._record_paths : {
        for path in paths : "json-${name}-${replace(path, ".", "-")}" => {
          name      = "${local.prefix}json-${name}-${replace(path, ".", "-")}"
          json_path = "$.${path}[*]"
        }
      }
    ]...),
  )
}

module "functions" {
  source = "../../modules/functions"

  artifacts_bucket = module.lake_storage.buckets.artifacts.name
  layer            = try(merge(local.artifacts.layer, { name = "${local.prefix}packages", path = "${local.built}/${local.artifacts.layer.path}" }), null)
  runtime          = local.inventory.function_runtime
  architecture     = local.inventory.function_architecture
  log_days         = local.settings.log_days.functions
  arn_prefixes     = { logs = local.arns.logs }
  kms_key_arn      = var.kms_key_arn
  network          = one([for network in module.network[*].network : { subnet_ids = network.subnet_ids, security_group_ids = network.security_group_ids }])

  functions = {
    for name, function in local.functions : name => {
      name         = local.function_names[name]
      does         = function.does
      memory_mb    = function.memory_mb
      timeout_s    = function.timeout_s
      ephemeral_mb = try(function.ephemeral_mb, 512)
      package      = merge(local.artifacts.functions[name], { path = "${local.built}/${local.artifacts.functions[name].path}" })
      statements   = concat(local.function_access[name], local._kms_access)
    }
  }

  environment = merge(local.inventory.function_environment, {
    SHOPLAKE_ENV     = var.environment
    SHOPLAKE_ACCOUNT = local.account
  })
}

module "jobs" {
  source = "../../modules/jobs"

  artifacts_bucket = module.lake_storage.buckets.artifacts.name
  glue_version     = local.inventory.glue_version
  worker           = local.settings.worker
  log_days         = local.settings.log_days.jobs
  log_group_prefix = "/aws-glue/${trimsuffix(local.prefix, "-")}"
  arn_prefixes     = { glue = local.arns.glue, logs = local.arns.logs }
  kms_key_arn      = var.kms_key_arn
  connection       = one(module.network[*].network.connection)
  wheel            = merge(local.artifacts.wheel, { path = "${local.built}/${local.artifacts.wheel.path}" })
  wheelhouse       = try(merge(local.artifacts.wheelhouse, { path = "${local.built}/${local.artifacts.wheelhouse.path}" }), null)
  arguments        = { "--env" = var.environment, "--account" = local.account }

  spark_settings = merge(local.inventory.spark, local.inventory.iceberg, {
    "spark.sql.shuffle.partitions"             = local.settings.shuffle_partitions
    "spark.sql.catalog.glue_catalog.warehouse" = "s3://${local.bucket}/"
  })

  jobs = {
    for name, job in local.inventory.jobs : name => {
      name        = local.job_names[name]
      timeout_min = job.timeout_min
      script      = merge(local.artifacts.scripts[name], { path = "${local.built}/${local.artifacts.scripts[name].path}" })
      statements  = concat(local.job_access[name], local._kms_access)
    }
  }
}

module "pipeline" {
  source = "../../modules/pipeline"

  name        = local.state_machine
  role_name   = local.state_machine
  definition  = templatefile("${local._root}/${local.inventory.state_machine.definition}", local._placeholders)
  arn_prefix  = local.arns.states
  kms_key_arn = var.kms_key_arn

  log = merge(local.settings.execution_log, { days = local.settings.log_days.functions })

  calls = {
    functions = [for name, arn in local.function_arns : arn if strcontains(local._definition, "$${${name}}")]
    jobs      = values(local.job_arns)
    crawlers  = values(local.crawler_arns)
    manifests = "${local.bucket_arn}/${local.zones.runs}*/manifest.jsonl"
  }
}

module "arrivals" {
  source = "../../modules/arrivals"

  watched           = { bucket = local.bucket, prefix = local.zones.raw }
  functions         = { for name in ["dispatcher", "run_ended", "measure_lake"] : name => { name = module.functions.functions[name].name, arn = local.function_arns[name] } }
  requests          = { source = "${local.inventory.project}.${var.environment}", detail_type = "shoplake.run.requested" }
  state_machine_arn = local.state_machine_arn
  arn_prefixes      = { sqs = local.arns.sqs, events = local.arns.events }
  kms_key_arn       = var.kms_key_arn

  names = {
    queue          = local.queue_names.arrivals
    dead_letters   = local.queue_names.dead_letters
    object_created = "${local.prefix}raw-object-created"
    run_requested  = "${local.prefix}run-requested"
    run_ended      = "${local.prefix}run-ended"
    schedules_role = "${local.prefix}schedules"
  }

  queue = {
    visible_again_s   = local.inventory.arrivals.visibility_timeouts * local.functions.dispatcher.timeout_s + local.settings.batching_window_s
    max_receives      = local.inventory.arrivals.max_receives
    dead_letters_days = local.inventory.arrivals.dead_letters_days
  }

  batch = {
    size     = local.inventory.arrivals.batch_size
    window_s = local.settings.batching_window_s
  }

  schedules = merge(
    {
      for action, expression in local.schedules : action => {
        name       = local.schedule_names[action]
        expression = expression
        time_zone  = local.inventory.reporting_time_zone
        function   = "dispatcher"
        input      = { action = action }
      }
    },
    {
      measure = {
        name       = local.schedule_names.measure
        expression = local.inventory.monitoring.measure
        time_zone  = local.inventory.reporting_time_zone
        function   = "measure_lake"
        input      = {}
      }
    },
  )
}
