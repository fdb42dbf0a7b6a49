# The lake's declarations, read where Python reads them, and whether they agree with each other.

locals {
  _root = "${path.module}/../.."

  inventory = yamldecode(file("${local._root}/lake.yaml"))
  settings  = local.inventory.environments[var.environment]
  artifacts = jsondecode(file(var.artifacts))
  built     = dirname(var.artifacts)

  functions = {
    for name, function in local.inventory.functions :
    name => merge(function, { memory_mb = try(local.settings.memory_mb[name], function.memory_mb) })
  }
  schedules = merge(local.inventory.arrivals.schedules, try(local.settings.schedules, {}))

  # Tables by `database.name`, as tables/ declares them.
  tables = {
    for file in fileset("${local._root}/tables", "*/*.yaml") :
    replace(trimsuffix(file, ".yaml"), "/", ".") => yamldecode(file("${local._root}/tables/${file}"))
  }

  contracts = {
    for name in keys(local.inventory.datasets) :
    name => yamldecode(file("${local._root}/contracts/${name}.odcs.yaml"))
    if fileexists("${local._root}/contracts/${name}.odcs.yaml")
  }
  _properties = { for name, contract in local.contracts : name => contract.schema[0].properties[*].name }
  _sources = {
    for name, contract in local.contracts :
    name => flatten([for property in contract.customProperties : property.value if property.property == "sources"])
  }

  # Columns that a contract speaks of outside its schema, and where.
  _named_columns = {
    for name, contract in local.contracts : name => concat(
      [for element in compact([try(contract.slaDefaultElement, "")]) : { column = try(split(".", element)[1], element), place = "slaDefaultElement" }],
      flatten([
        for number, source in local._sources[name] : [
          for part in ["aliases", "defaults"] : [
            for column in keys(try(source[part], {})) : { column = column, place = "sources[${number}].${part}" }
          ]
        ]
      ]),
    )
  }

  _datasets_without_contract = setsubtract(keys(local.inventory.datasets), keys(local.contracts))
  _datasets_without_job      = [for name, dataset in local.inventory.datasets : name if !contains(keys(local.inventory.jobs), dataset.job)]
  _unknown_columns = {
    for name, named in local._named_columns : name => [
      for one in named : "${one.column} (${one.place})" if !contains(local._properties[name], one.column)
    ]
  }
  _unknown_sources = flatten([
    for name, table in local.tables : [for source in try(table.touched_by, []) : "${name} names ${source}" if !contains(keys(local.tables), source)]
  ])
  _unknown_tables = flatten([
    for name, job in local.inventory.jobs : [
      for table in concat(job.writes, try(job.reads, [])) : "jobs.${name} names ${table}"
      if !contains(keys(local.tables), table) && !contains(local.inventory.databases, table)
    ]
  ])
}

# Nothing is created: this is where a mistake in the declarations becomes a sentence.
resource "terraform_data" "inventory" {
  for_each = local.inventory.datasets

  input = { dataset = each.key, job = each.value.job, contract = "contracts/${each.key}.odcs.yaml" }

  lifecycle {
    precondition {
      condition     = !contains(local._datasets_without_contract, each.key)
      error_message = "lake.yaml: datasets.${each.key} has no contract: write contracts/${each.key}.odcs.yaml, or take the dataset out."
    }

    precondition {
      condition     = !contains(local._datasets_without_job, each.key)
      error_message = "lake.yaml: datasets.${each.key}.job is ${each.value.job}, which is not under jobs."
    }

    precondition {
      condition     = length(try(local._unknown_columns[each.key], [])) == 0
      error_message = "contracts/${each.key}.odcs.yaml names ${join(", ", try(local._unknown_columns[each.key], []))}: that is no column under its schema."
    }
  }
}

resource "terraform_data" "environment" {
  input = var.environment

  lifecycle {
    precondition {
      condition     = local.settings.account == null || local.settings.account == var.account
      error_message = "account is ${var.account}, and lake.yaml has environment ${var.environment} in ${coalesce(local.settings.account, "none")}: take that account's credentials, or mend environments.${var.environment}.account."
    }

    precondition {
      condition     = length(local._unknown_tables) == 0
      error_message = "lake.yaml: ${join("; ", local._unknown_tables)}: that is no file under tables/ and no database."
    }

    precondition {
      condition     = length(local._unknown_sources) == 0
      error_message = "tables/: touched_by of ${join(", ", local._unknown_sources)}: that is no file under tables/."
    }

    precondition {
      condition     = length(local._too_far_from) == 0
      error_message = "tables/: ${join(", ", local._too_far_from)}: touched_by goes in a circle, or through more than the five generations by which freshness is looked up."
    }
  }
}
