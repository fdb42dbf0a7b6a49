# What the state machine's placeholders stand for, as shoplake/state_machine.py fills them.

locals {
  _definition = file("${local._root}/${local.inventory.state_machine.definition}")

  _placeholders = merge(
    {
      timeout_s          = local.inventory.state_machine.timeout_s
      validators_at_once = local.settings.validators_at_once
      crawler_poll_s     = local.settings.crawler_poll_s
      crawler_polls      = floor(local.inventory.crawlers.timeout_s / local.settings.crawler_poll_s)
    },
    local.function_arns,
    { for name, function in local.functions : "${name}_timeout_s" => function.timeout_s },
    local.job_names,
    { for name, job in local.inventory.jobs : "${name}_timeout_s" => job.timeout_min * 60 },
  )

  # Where a contract's sources have a JSON file's records, by dataset.
  _record_paths = {
    for name in keys(local.inventory.datasets) :
    name => sort(distinct(compact([for source in try(local._sources[name], []) : try(source.records, "")])))
  }
}
