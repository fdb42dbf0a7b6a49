# Alarms and dashboards as monitoring/ declares them, filled as shoplake/monitoring.py fills them.

locals {
  _thresholds = local.settings.thresholds

  _monitoring_values = merge(local.function_names, {
    env                = var.environment
    region             = local.region
    prefix             = local.prefix
    shoplake           = "shoplake --env ${var.environment}"
    state_machine_arn  = local.state_machine_arn
    arrivals_queue     = local.queue_names.arrivals
    dead_letters_queue = local.queue_names.dead_letters
    workgroup          = local.workgroup
    queue_age_s        = local._thresholds.queue_age_s
    slow_run_s         = local._thresholds.slow_run_s
    slow_run_ms        = local._thresholds.slow_run_s * 1000
    quality_percent    = local._thresholds.quality_percent
    dollars_a_day      = local._thresholds.dollars_a_day
    athena_gb_a_day    = local._thresholds.athena_gb_a_day
    athena_bytes_a_day = local._thresholds.athena_gb_a_day * 1000 * 1000 * 1000
  })

  # The tables that a table is made from, the nearest first, to the fifth generation.
  _made_from_1  = { for name, table in local.tables : name => [for source in try(table.touched_by, []) : source if contains(keys(local.tables), source)] }
  _made_from_2  = { for name, sources in local._made_from_1 : name => flatten([for source in sources : local._made_from_1[source]]) }
  _made_from_3  = { for name, sources in local._made_from_2 : name => flatten([for source in sources : local._made_from_1[source]]) }
  _made_from_4  = { for name, sources in local._made_from_3 : name => flatten([for source in sources : local._made_from_1[source]]) }
  _made_from_5  = { for name, sources in local._made_from_4 : name => flatten([for source in sources : local._made_from_1[source]]) }
  _too_far_from = [for name, sources in local._made_from_5 : name if length(flatten([for source in sources : local._made_from_1[source]])) > 0]
  _made_from = {
    for name in keys(local.tables) : name => distinct(concat(
      [name], local._made_from_1[name], local._made_from_2[name], local._made_from_3[name], local._made_from_4[name], local._made_from_5[name],
    ))
  }

  # How old the newest value of a contract's column may be.
  _hours = { h = 1, d = 24 }
  _objectives = {
    for name, contract in local.contracts : name => {
      column = split(".", contract.slaDefaultElement)[1]
      hours  = [for promise in contract.slaProperties : promise.value * local._hours[promise.unit] if promise.property == "freshness"][0]
    }
    if length([for promise in try(contract.slaProperties, []) : promise if promise.property == "freshness"]) > 0
  }
  # A table's own columns stand behind those of its contract.
  _columns = {
    for name, table in local.tables : name => concat(try(local._properties[table.contract], []), try(table.columns[*].name, []))
  }
  # It holds for every published table that has the column and is made from the contract's dataset.
  _objectives_of_tables = {
    for name, table in local.tables : name => [
      for contract in distinct(compact([for source in local._made_from[name] : try(local.tables[source].contract, "")])) :
      local._objectives[contract].hours
      if contains(local._columns[name], try(local._objectives[contract].column, ""))
    ]
    if table.branched
  }

  # What each kind of alarm is made for: an item, and the placeholders that it fills.
  _of_functions = { for name, full_name in local.function_names : name => { each = name, each_name = full_name } }
  _alarm_items = {
    once                = { "" = {} }
    function            = local._of_functions
    step_function       = { for name, values in local._of_functions : name => values if try(local.functions[name].state, null) != null }
    unattended_function = { for name, values in local._of_functions : name => values if try(local.functions[name].state, null) == null }
    job                 = { for name, full_name in local.job_names : name => { each = name, each_name = full_name } }
    table               = { for name, hours in local._objectives_of_tables : name => { each = name, freshness_hours = hours[0] } if length(hours) > 0 }
    checked_table       = { for name in concat(["run.ledger"], [for name, table in local.tables : name if table.branched]) : name => { each = name } }
  }

  _alarms_file     = "${local._root}/monitoring/alarms.yaml"
  _declared_alarms = yamldecode(file(local._alarms_file))
  _alarms_on       = [for name in keys(local._declared_alarms) : name if !contains(try(local.settings.alarms_off, []), name)]

  # The file is filled once an item: `${each}` and its like have other values each time.
  _filled = {
    for kind, items in local._alarm_items : kind => {
      for item, values in items :
      item => yamldecode(templatefile(local._alarms_file, merge({ each = "", each_name = "", freshness_hours = 0 }, local._monitoring_values, values)))
    }
  }
  _alarms = merge(flatten([
    for name in local._alarms_on : [
      for item, filled in local._filled[try(local._declared_alarms[name].each, "once")] : {
        "${local.prefix}${replace(replace(item == "" ? name : "${name}-${item}", "_", "-"), ".", "-")}" = {
          metric      = filled[name].metric
          dimensions  = filled[name].dimensions
          statistic   = filled[name].statistic
          comparison  = filled[name].comparison
          threshold   = filled[name].threshold
          period_s    = filled[name].period_s
          periods     = try(filled[name].periods, 1)
          missing     = filled[name].missing
          topic_arn   = try(local.topic_arns[filled[name].email], null)
          description = filled[name].description
        }
      }
    ]
  ])...)

  # Elements of an array in a dashboard's JSON.
  _lines_of_functions = {
    for metric in ["Invocations", "Errors", "Throttles", "Duration"] : "${lower(metric)}_of_functions" => join(", ", [
      for name in keys(local.function_names) : jsonencode(["AWS/Lambda", metric, "FunctionName", local.function_names[name]])
    ])
  }
  _dashboard_values = merge(local._monitoring_values, local._lines_of_functions, {
    alarm_arns = join(", ", [for name in keys(local._alarms) : jsonencode("${local.arns.cloudwatch}:alarm:${name}")])
  })
  _dashboards = {
    for file in fileset("${local._root}/monitoring/dashboards", "*.json") :
    "${local.prefix}${replace(trimsuffix(file, ".json"), "_", "-")}" => templatefile("${local._root}/monitoring/dashboards/${file}", local._dashboard_values)
  }

  # Ends of a function that its own code can't tell of.
  _log_metrics = {
    for name, full_name in local.function_names : "${full_name}-ended-by-lambda" => {
      log_group = module.functions.functions[name].log_group
      pattern   = "?\"Task timed out\" ?\"Runtime exited\" ?\"OutOfMemory\""
      metric    = ["Shoplake/${var.environment}", "FunctionEndedByLambda"]
    }
  }
}

module "notifications" {
  source = "../../modules/notifications"

  account     = local.account
  kms_key_arn = var.kms_key_arn

  topics = {
    for name, full_name in local.topic_names : name => {
      name     = full_name
      arn      = local.topic_arns[name]
      emails   = distinct(concat(local.settings.alerts, try(var.subscribers[name].emails, [])))
      phones   = try(var.subscribers[name].phones, [])
      urls     = try(var.subscribers[name].urls, [])
      services = name == "cost" ? ["cloudwatch.amazonaws.com", "budgets.amazonaws.com", "costalerts.amazonaws.com"] : ["cloudwatch.amazonaws.com"]
    }
  }
}

module "monitoring" {
  source = "../../modules/monitoring"

  alarms      = local._alarms
  dashboards  = local._dashboards
  log_metrics = local._log_metrics
}
