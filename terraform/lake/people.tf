# What people use: questions to the lake, roles, the bill, the record of who did what, and a network where wanted.

locals {
  # A query's first two lines are its title and what it answers; the rest is one SELECT.
  _queries = {
    for file in fileset("${local._root}/queries", "*.sql") :
    trimsuffix(file, ".sql") => trimsuffix(trimspace(templatefile("${local._root}/queries/${file}", local.databases)), ";")
  }

  _ask = [
    {
      sid = "AskInTheWorkgroup"
      actions = [
        "athena:BatchGetNamedQuery",
        "athena:GetNamedQuery",
        "athena:GetQueryExecution",
        "athena:GetQueryResults",
        "athena:GetWorkGroup",
        "athena:ListNamedQueries",
        "athena:ListQueryExecutions",
        "athena:StartQueryExecution",
        "athena:StopQueryExecution",
      ]
      resources = ["${local.arns.athena}:workgroup/${local.workgroup}"]
    },
    {
      sid       = "KeepResults"
      actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
      resources = [local._objects.athena_results]
    },
    { sid = "FindTheBucket", actions = ["s3:GetBucketLocation"], resources = [local.bucket_arn] },
    # Athena's console, before a question is asked.
    {
      sid       = "ListWhatAthenaHas"
      actions   = ["athena:ListDataCatalogs", "athena:ListWorkGroups"]
      resources = ["*"]
      reason    = "lists of catalogs and workgroups have no resource"
    },
    {
      sid       = "LookAtTheCatalog"
      actions   = ["athena:GetDataCatalog", "athena:GetDatabase", "athena:GetTableMetadata", "athena:ListDatabases", "athena:ListTableMetadata"]
      resources = ["${local.arns.athena}:datacatalog/AwsDataCatalog"]
    },
    local._see_default_database,
  ]
  _see_actions    = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetPartition", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"]
  _analysts_reach = [for name in local.inventory.athena.analysts_read : local._reach[name]]

  _see = {
    for name in local.inventory.databases : name => [
      {
        sid       = "See${title(name)}"
        actions   = local._see_actions
        resources = concat(local._reach[name].parents, [local._reach[name].catalog])
      },
      { sid = "Read${title(name)}", actions = ["s3:GetObject"], resources = [local._reach[name].objects] },
    ]
  }

  people = {
    analyst = {
      what = "Asks questions about the curated tables and the catalogue, in the workgroup alone."
      statements = concat(local._ask, [
        {
          sid       = "SeeTables"
          actions   = local._see_actions
          resources = distinct(flatten([for reach in local._analysts_reach : [reach.parents, reach.catalog]]))
        },
        { sid = "ReadTables", actions = ["s3:GetObject"], resources = local._analysts_reach[*].objects },
        {
          sid        = "ListWhatIsAsked"
          actions    = ["s3:ListBucket"]
          resources  = [local.bucket_arn]
          conditions = { "s3:prefix" = concat([for reach in local._analysts_reach : trimprefix(reach.objects, "${local.bucket_arn}/")], ["${local.zones.athena_results}*"]) }
        },
      ], local._kms_access)
    }
    operator = {
      what = "Runs the lake: drops files, starts and stops runs, reads all zones, also what is personal in raw files and quarantine."
      statements = concat(local._ask, flatten(values(local._see)), [
        {
          sid        = "ListTheLake"
          actions    = ["s3:ListBucket", "s3:ListBucketVersions"]
          resources  = [local.bucket_arn]
          conditions = { "s3:prefix" = [for prefix in values(local.zones) : "${prefix}*"] }
        },
        {
          sid       = "ReadTheRest"
          actions   = ["s3:GetObject", "s3:GetObjectVersion"]
          resources = [for name in keys(local.zones) : local._objects[name] if !contains(local.table_zones, name) && name != "athena_results"]
        },
        { sid = "DropFiles", actions = ["s3:AbortMultipartUpload", "s3:PutObject"], resources = [local._objects.raw] },
        { sid = "AskForRuns", actions = ["lambda:InvokeFunction"], resources = [local.function_arns.dispatcher] },
        {
          sid       = "FollowAndStopRuns"
          actions   = ["states:DescribeExecution", "states:GetExecutionHistory", "states:StopExecution"]
          resources = ["${local.arns.states}:execution:${local.state_machine}:*"]
        },
        { sid = "SeeTheStateMachine", actions = ["states:DescribeStateMachine", "states:ListExecutions"], resources = [local.state_machine_arn] },
        {
          sid       = "SeeRunsAndFiles"
          actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
          resources = concat(values(local.run_state_arns), ["${local.run_state_arns.files}/index/*"])
        },
        { sid = "DiscardFiles", actions = ["dynamodb:UpdateItem"], resources = [local.run_state_arns.files] },
        { sid = "SeeJobs", actions = ["glue:GetJob", "glue:GetJobRun", "glue:GetJobRuns"], resources = values(local.job_arns) },
        {
          sid       = "ReadLogs"
          actions   = ["logs:FilterLogEvents", "logs:GetLogEvents"]
          resources = ["${local.arns.logs}:log-group:/aws/lambda/${local.prefix}*", "${local.arns.logs}:log-group:/aws-glue/${trimsuffix(local.prefix, "-")}/*"]
        },
        {
          sid       = "SeeAlarms"
          actions   = ["cloudwatch:DescribeAlarms"]
          resources = ["*"]
          reason    = "a list of alarms has no resource"
        },
      ], local._kms_access)
    }
  }
}

module "query" {
  source = "../../modules/query"

  workgroup          = local.workgroup
  results            = "s3://${local.bucket}/${local.zones.athena_results}"
  max_scanned_gb     = local.inventory.athena.max_scanned_gb
  kms_key_arn        = var.kms_key_arn
  empties_on_destroy = var.empties_on_destroy

  queries = {
    for name, sql in local._queries : name => {
      description = "${trimprefix(split("\n", sql)[0], "-- ")}. ${trimprefix(split("\n", sql)[1], "-- ")} (queries/${name}.sql)"
      database    = local.databases.curated
      sql         = sql
    }
  }
}

module "governance" {
  source = "../../modules/governance"

  prefix          = local.prefix
  account         = local.account
  monthly_dollars = local.settings.monthly_dollars
  anomaly_dollars = var.watches_costs ? local.settings.thresholds.dollars_a_day : null
  trusted_arns    = var.trusted_arns
  cost_topic_arn  = module.notifications.topics.cost.arn
  tags            = { Project = local.inventory.project, Environment = var.environment }
  roles           = local.people
}

module "audit" {
  source = "../../modules/audit"

  name      = "${local.prefix}audit"
  bucket    = "${local.prefix}audit-${local.account}"
  trail_arn = "arn:aws:cloudtrail:${local.region}:${local.account}:trail/${local.prefix}audit"
  watched   = [local.bucket_arn]

  records_changes_to_the_account = var.records_changes_to_the_account
  account                        = local.account
  kept_days                      = local.settings.log_days.audit
  kms_key_arn                    = var.kms_key_arn
  empties_on_destroy             = var.empties_on_destroy
}

module "network" {
  source = "../../modules/network"
  count  = var.network.enabled ? 1 : 0

  name               = trimsuffix(local.prefix, "-")
  cidr               = var.network.cidr
  region             = local.region
  availability_zones = [for letter in var.network.zones : "${local.region}${letter}"]
  flow_log_days      = local.settings.log_days.functions
  arn_prefixes       = { logs = local.arns.logs }
  kms_key_arn        = var.kms_key_arn
}
