module "network" {
  source = "../.."

  name               = "shop-dev"
  cidr               = "10.20.0.0/20"
  availability_zones = ["us-east-1a", "us-east-1b"]
  region             = "us-east-1"
  flow_log_days      = 7
  arn_prefixes       = { logs = "arn:aws:logs:us-east-1:111122223333" }
}
