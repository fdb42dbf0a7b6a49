# Who may do what: for each function and job the statements of its role, no wider than what its code calls. Logs,
# traces and a job's own code are added by the modules. tests/terraform holds this against the calls that are made.

locals {
  # Object ARNs of zones, and the condition that lets one list them.
  _objects = { for name, prefix in local.zones : name => "${local.bucket_arn}/${prefix}*" }
  _listing = { for name, prefix in local.zones : name => { "s3:prefix" = ["${prefix}*"] } }

  # What a name of lake.yaml's writes and reads reaches: a table, or all tables of a database.
  _reach = {
    for name in distinct(concat(keys(local.tables), local.inventory.databases)) : name => {
      objects = "${local.bucket_arn}/${local.zones[split(".", name)[0]]}${try("${split(".", name)[1]}/", "")}*"
      catalog = "${local.arns.glue}:table/${local.databases[split(".", name)[0]]}/${try(split(".", name)[1], "*")}"
      parents = ["${local.arns.glue}:catalog", "${local.arns.glue}:database/${local.databases[split(".", name)[0]]}"]
    }
  }
  _all_tables = local.table_zones # the databases whose tables runs write

  _use_runs_table = {
    sid       = "KeepRuns"
    actions   = ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"]
    resources = [local.run_state_arns.runs]
  }
  _use_files_table = {
    sid       = "KeepFiles"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"]
    resources = [local.run_state_arns.files, "${local.run_state_arns.files}/index/*"]
  }
  _read_run       = { sid = "ReadRuns", actions = ["s3:GetObject"], resources = [local._objects.runs] }
  _list_runs      = { sid = "ListRuns", actions = ["s3:ListBucket"], resources = [local.bucket_arn], conditions = local._listing.runs }
  _write_run      = { sid = "WriteRuns", actions = ["s3:PutObject"], resources = [local._objects.runs] }
  _write_run_more = { sid = "WriteRuns", actions = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"], resources = [local._objects.runs] }
  _see_crawlers   = { sid = "SeeCrawlers", actions = ["glue:GetCrawler"], resources = values(local.crawler_arns) }
  _raw_catalog    = concat(local._reach.raw.parents, [local._reach.raw.catalog])

  # Main and branches of all tables are moved by commits to their metadata.
  _read_tables = [
    {
      sid       = "FindTables"
      actions   = ["glue:GetTable"]
      resources = distinct(flatten([for name in local._all_tables : [local._reach[name].parents, local._reach[name].catalog]]))
    },
    { sid = "ReadTables", actions = ["s3:GetObject"], resources = [for name in local._all_tables : local._reach[name].objects] },
  ]
  _commit_tables = [
    {
      sid       = "CommitTables"
      actions   = ["glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"]
      resources = local._read_tables[0].resources
    },
    local._write_tables,
    local._list_tables,
  ]
  _write_tables = { sid = "WriteTables", actions = ["s3:GetObject", "s3:PutObject"], resources = local._read_tables[1].resources }
  # Before pyarrow writes a file it looks whether there is one, or a folder, of its name.
  _list_tables = {
    sid        = "ListTables"
    actions    = ["s3:ListBucket"]
    resources  = [local.bucket_arn]
    conditions = { "s3:prefix" = [for name in local._all_tables : "${local.zones[name]}*"] }
  }

  _put_metrics = {
    sid        = "PutTheLakesMetrics"
    actions    = ["cloudwatch:PutMetricData"]
    resources  = ["*"]
    conditions = { "cloudwatch:namespace" = ["Shoplake"] }
    reason     = "CloudWatch has no resource for a metric, only its namespace"
  }
  # Athena and Glue look at it before each question. https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
  _see_default_database = {
    sid       = "SeeTheDefaultDatabase"
    actions   = ["glue:GetDatabase"]
    resources = ["${local.arns.glue}:catalog", "${local.arns.glue}:database/default"]
  }
  # S3 tells only those that may list a key that it is gone; others hear that access is denied.
  _see_raw_files = { sid = "ListRawFiles", actions = ["s3:ListBucket", "s3:ListBucketVersions"], resources = [local.bucket_arn], conditions = local._listing.raw }

  _copy_to_quarantine = [
    {
      sid       = "ReadRawFiles"
      actions   = ["s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging"]
      resources = [local._objects.raw]
    },
    local._see_raw_files,
    {
      sid       = "SetFilesAside"
      actions   = ["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectTagging"]
      resources = [local._objects.quarantine]
    },
  ]
  # To undo, finish or close a run: its files, its record, its tables, what its jobs and its execution say.
  _settle = concat(local._commit_tables, [
    local._use_files_table, local._use_runs_table, local._read_run, local._list_runs, local._write_run,
    { sid = "SeeJobRuns", actions = ["glue:GetJobRuns"], resources = values(local.job_arns) },
  ])
  _close = concat(local._settle, [
    local._put_metrics,
    {
      sid       = "MakeTheTableOfRuns"
      actions   = ["glue:CreateTable"]
      resources = concat(local._reach["processed.runs"].parents, [local._reach["processed.runs"].catalog])
    },
    {
      sid       = "ReadTheExecution"
      actions   = ["states:DescribeExecution", "states:GetExecutionHistory"]
      resources = ["${local.arns.states}:execution:${local.state_machine}:*"]
    },
    { sid = "SendMail", actions = ["sns:Publish"], resources = [local.topic_arns.notifications, local.topic_arns.quality] },
  ])

  function_access = {
    dispatcher = [
      { sid = "SeeRawFiles", actions = ["s3:GetObject", "s3:GetObjectVersion"], resources = [local._objects.raw] },
      local._see_raw_files,
      local._read_run, local._list_runs, local._write_run, local._use_files_table, local._use_runs_table,
      { sid = "StartRuns", actions = ["states:StartExecution"], resources = [local.state_machine_arn] },
      { sid = "SeeRuns", actions = ["states:DescribeExecution"], resources = ["${local.arns.states}:execution:${local.state_machine}:*"] },
      { sid = "HaveDeadRunsClosed", actions = ["lambda:InvokeFunction"], resources = [local.function_arns.run_ended] },
      { sid = "SendMail", actions = ["sns:Publish"], resources = [local.topic_arns.notifications, local.topic_arns.cost] },
      {
        sid       = "TakeArrivals"
        actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        resources = ["${local.arns.sqs}:${local.queue_names.arrivals}"]
      },
    ]
    file_validator = concat(local._copy_to_quarantine, [
      local._write_run,
      { sid = "StageRecords", actions = ["s3:AbortMultipartUpload", "s3:PutObject"], resources = [local._objects.staged] },
      { sid = "NoteContents", actions = ["dynamodb:UpdateItem"], resources = [local.run_state_arns.files] },
    ])
    summarise_verdicts = [
      local._read_run, local._list_runs, local._write_run,
      { sid = "FindDuplicates", actions = ["dynamodb:Query"], resources = ["${local.run_state_arns.files}/index/*"] },
    ]
    raw_partitions = [
      local._read_run, local._write_run, local._see_crawlers,
      { sid = "KnowHeaders", actions = ["dynamodb:BatchGetItem"], resources = [local.run_state_arns.runs] },
      { sid = "AddPartitions", actions = ["glue:BatchCreatePartition", "glue:GetTable"], resources = local._raw_catalog },
    ]
    compare_schema = [
      local._read_run, local._write_run, local._see_crawlers,
      { sid = "NoteHeaders", actions = ["dynamodb:PutItem"], resources = [local.run_state_arns.runs] },
      { sid = "MendRawTables", actions = ["glue:GetTable", "glue:UpdateTable"], resources = local._raw_catalog },
    ]
    prepare_tables = [
      {
        sid       = "MakeTables"
        actions   = ["glue:CreateTable", "glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"]
        resources = local._read_tables[0].resources
      },
      local._write_tables,
      local._list_tables,
    ]
    publish = concat(local._commit_tables, [
      { sid = "KeepRuns", actions = ["dynamodb:GetItem", "dynamodb:UpdateItem"], resources = [local.run_state_arns.runs] },
    ])
    refresh_athena = [
      { sid = "SeePublications", actions = ["dynamodb:GetItem"], resources = [local.run_state_arns.runs] },
      {
        sid = "AskQuestions"
        actions = [
          "athena:GetQueryExecution",
          "athena:GetQueryResults",
          "athena:GetWorkGroup",
          "athena:StartQueryExecution",
          "athena:StopQueryExecution",
        ]
        resources = ["${local.arns.athena}:workgroup/${local.workgroup}"]
      },
      {
        sid       = "KeepViews"
        actions   = ["glue:CreateTable", "glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:UpdateTable"]
        resources = local._read_tables[0].resources
      },
      local._read_tables[1],
      {
        sid       = "KeepResults"
        actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
        resources = [local._objects.athena_results]
      },
      {
        sid        = "ListForAthena"
        actions    = ["s3:ListBucket"]
        resources  = [local.bucket_arn]
        conditions = { "s3:prefix" = [for name in concat(local._all_tables, ["athena_results"]) : "${local.zones[name]}*"] }
      },
      { sid = "FindTheBucket", actions = ["s3:GetBucketLocation"], resources = [local.bucket_arn] },
      local._see_default_database,
    ]
    roll_back = local._settle
    notify    = local._close
    measure_lake = concat(local._read_tables, [
      { sid = "SeeHeldFiles", actions = ["dynamodb:Query"], resources = ["${local.run_state_arns.files}/index/*"] },
      local._put_metrics,
    ])
    run_ended = concat(local._close, [
      { sid = "StopJobs", actions = ["glue:BatchStopJobRun"], resources = values(local.job_arns) },
      { sid = "LookForFiles", actions = ["lambda:InvokeFunction"], resources = [local.function_arns.dispatcher] },
    ])
  }

  # Those that exist; of others inventory.tf tells.
  _tables_of_job = {
    for name, job in local.inventory.jobs : name => {
      writes = [for table in job.writes : table if contains(keys(local._reach), table)]
      reads  = [for table in try(job.reads, []) : table if contains(keys(local._reach), table)]
    }
  }

  # A job's datasets are those whose rows it judges; the merge and the gate have none.
  _datasets_of_job = { for job in keys(local.inventory.jobs) : job => [for name, dataset in local.inventory.datasets : name if dataset.job == job] }
  _hashes_personal_data = {
    for job, datasets in local._datasets_of_job : job => anytrue([
      for name in datasets : strcontains(jsonencode(try(local.contracts[name].schema, [])), "\"property\":\"personalData\",\"value\":\"hash\"")
    ])
  }

  job_access = {
    for name, job in local.inventory.jobs : name => concat(
      [
        local._read_run,
        local._write_run_more,
        {
          sid       = "ListWhatItReads"
          actions   = ["s3:ListBucket"]
          resources = [local.bucket_arn]
          conditions = {
            "s3:prefix" = concat(["${local.zones.runs}*"], flatten([
              for dataset in local._datasets_of_job[name] : [for zone in ["staged", "quarantine"] : "${local.zones[zone]}${dataset}/*"]
            ]))
          }
        },
        {
          sid       = "CommitItsTables"
          actions   = ["glue:GetTable", "glue:UpdateTable"]
          resources = distinct(flatten([for table in local._tables_of_job[name].writes : [local._reach[table].parents, local._reach[table].catalog]]))
        },
        {
          sid       = "WriteItsTables"
          actions   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
          resources = [for table in local._tables_of_job[name].writes : local._reach[table].objects]
        },
      ],
      length(local._tables_of_job[name].reads) == 0 ? [] : [
        {
          sid       = "FindOtherTables"
          actions   = ["glue:GetTable"]
          resources = distinct(flatten([for table in local._tables_of_job[name].reads : [local._reach[table].parents, local._reach[table].catalog]]))
        },
        { sid = "ReadOtherTables", actions = ["s3:GetObject"], resources = [for table in local._tables_of_job[name].reads : local._reach[table].objects] },
      ],
      flatten([for datasets in [local._datasets_of_job[name]] : [
        {
          sid       = "ReadStagedRecords"
          actions   = ["s3:GetObject"]
          resources = [for dataset in datasets : "${local.bucket_arn}/${local.zones.staged}${dataset}/*"]
        },
        {
          sid       = "ReadFilesThatItRefuses"
          actions   = ["s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging"]
          resources = [for dataset in datasets : "${local.bucket_arn}/${local.zones.raw}${dataset}/*"]
        },
        {
          sid        = "SeeWhetherTheyAreGone"
          actions    = ["s3:ListBucket", "s3:ListBucketVersions"]
          resources  = [local.bucket_arn]
          conditions = { "s3:prefix" = [for dataset in datasets : "${local.zones.raw}${dataset}/*"] }
        },
        # Before Spark writes a folder, it looks whether one of those above is a file.
        {
          sid        = "SeeFoldersOfQuarantine"
          actions    = ["s3:ListBucket"]
          resources  = [local.bucket_arn]
          conditions = { "s3:prefix" = concat([local.zones.quarantine], [for dataset in datasets : "${local.zones.quarantine}${dataset}"]) }
        },
        {
          sid       = "SetRowsAndFilesAside"
          actions   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"]
          resources = flatten([for dataset in datasets : [for end in ["", "/*"] : "${local.bucket_arn}/${local.zones.quarantine}${dataset}${end}"]])
        },
      ] if length(datasets) > 0]),
      !local._hashes_personal_data[name] ? [] : [
        {
          sid       = "HashPersonalData"
          actions   = ["secretsmanager:GetSecretValue"]
          resources = ["${local.arns.secretsmanager}:secret:${local.secret}-??????"]
        },
      ],
      name != "quality_gate" ? [] : [
        { sid = "WriteDataDocs", actions = ["s3:PutObject"], resources = [local._objects.data_docs] },
      ],
    )
  }
}
