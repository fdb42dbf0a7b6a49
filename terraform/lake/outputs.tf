output "lake" {
  description = "Where things are: what `make outputs` shows."
  value = {
    environment   = var.environment
    account       = local.account
    region        = local.region
    drop_files_at = module.lake_storage.zones.raw
    buckets       = { for name, bucket in module.lake_storage.buckets : name => bucket.name }
    databases     = module.catalog.databases
    workgroup     = module.query.workgroup.name
    state_machine = module.pipeline.state_machine.name
    topics        = { for name, topic in module.notifications.topics : name => topic.name }
    dashboards    = module.monitoring.dashboards
    roles         = { for name, role in module.governance.roles : name => role.name }
  }
}

output "functions" {
  description = "Full name of each function."
  value       = { for name, function in module.functions.functions : name => function.name }
}

output "jobs" {
  description = "Full name of each Glue job."
  value       = { for name, job in module.jobs.jobs : name => job.name }
}

output "secret" {
  description = "The secret whose value the deployment puts once."
  value       = module.run_state.secret.name
}
