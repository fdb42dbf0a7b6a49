mock_provider "aws" {}

variables {
  name               = "shop-dev"
  cidr               = "10.20.0.0/20"
  availability_zones = ["us-east-1a", "us-east-1b"]
  region             = "us-east-1"
  flow_log_days      = 7
  arn_prefixes       = { logs = "arn:aws:logs:us-east-1:111122223333" }
}

run "plans_the_readmes_example" {
  command = plan

  module {
    source = "./tests/example"
  }
}

run "has_a_subnet_in_each_zone" {
  command = plan

  assert {
    condition     = { for zone, subnet in aws_subnet.private : zone => subnet.cidr_block } == { us-east-1a = "10.20.0.0/24", us-east-1b = "10.20.1.0/24" }
    error_message = "Each zone has its part of the addresses."
  }
}

run "lets_nothing_out_to_an_address" {
  command = plan

  assert {
    condition = alltrue([
      for rule in concat(
        [aws_vpc_security_group_egress_rule.each_other, aws_vpc_security_group_egress_rule.interfaces],
        values(aws_vpc_security_group_egress_rule.gateways),
      ) : rule.cidr_ipv4 == null && rule.cidr_ipv6 == null
    ])
    error_message = "What goes out goes to the lake's own groups and to the gateways of S3 and DynamoDB."
  }
}

run "reaches_s3_and_dynamodb_by_gateways" {
  command = plan

  assert {
    condition     = { for service, endpoint in aws_vpc_endpoint.gateway : service => endpoint.service_name } == { s3 = "com.amazonaws.us-east-1.s3", dynamodb = "com.amazonaws.us-east-1.dynamodb" }
    error_message = "Gateways cost nothing."
  }
}

run "lets_only_the_lake_use_its_endpoints" {
  command = plan

  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints.from_port == 443 && aws_vpc_security_group_ingress_rule.endpoints.cidr_ipv4 == null
    error_message = "Endpoints take TLS from the lake's group alone."
  }
}

run "logs_every_connection" {
  command = plan

  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_cloudwatch_log_group.flow.retention_in_days == 7
    error_message = "Accepted and refused connections are logged."
  }
}

run "refuses_a_single_zone_and_addresses_that_arent_a_block" {
  command = plan

  variables {
    availability_zones = ["us-east-1a"]
    cidr               = "10.20.0.0"
    services           = ["s3", "glue"]
    flow_log_days      = 8
  }

  expect_failures = [var.availability_zones, var.cidr, var.services, var.flow_log_days]
}

run "refuses_one_zone_twice_and_more_addresses_than_a_network_has" {
  command = plan

  variables {
    availability_zones = ["us-east-1a", "us-east-1a"]
    cidr               = "10.0.0.0/15"
  }

  expect_failures = [var.availability_zones, var.cidr]
}
