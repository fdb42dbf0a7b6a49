# Sizes, schedules, retention and budgets stand in lake.yaml; here, what only this deployment knows.
environment = "prod"
owner       = "data-platform"
cost_center = "analytics"

# Who is told besides the addresses in lake.yaml:
# subscribers = {
#   notifications = { emails = ["on-call@example.com"] }
#   quality       = { emails = ["data-owners@example.com"] }
#   cost          = { emails = ["finops@example.com"], urls = ["https://hooks.example.com/costs"] }
# }
