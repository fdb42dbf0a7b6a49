# Sizes, schedules, retention and budgets stand in lake.yaml; here, what only this deployment knows.
environment = "dev"
owner       = "data-platform"
cost_center = "analytics"

# Who is told besides the addresses in lake.yaml:
# subscribers = {
#   notifications = { emails = ["on-call@example.com"] }
#   quality       = { emails = ["data-owners@example.com"] }
#   cost          = { emails = ["finops@example.com"], urls = ["https://hooks.example.com/costs"] }
# }

# Sessions of single sign-on that may take the roles analyst and operator:
# trusted_arns = ["arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com*/AWSReservedSSO_DataTeam_*"]

# In an organization's management account, or in an account without an organization:
# watches_costs = true
