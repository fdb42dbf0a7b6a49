# A network of the lake's own without a way to the internet: private subnets, endpoints of the services that the lake
# calls, a log of connections, and the Glue connection by which jobs join it.

locals {
  _subnets   = { for number, zone in var.availability_zones : zone => cidrsubnet(var.cidr, 4, number) }
  _flow_logs = "/aws/vpc/${var.name}"
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.name }
}

# Nobody uses the group that a network comes with.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "private" {
  for_each = local._subnets

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-private" }
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  subnet_id      = each.value.id
  route_table_id = aws_route_table.private.id
}

resource "aws_security_group" "lake" {
  #checkov:skip=CKV2_AWS_5:jobs and functions are attached by Glue's connection and Lambda's configuration
  name        = "${var.name}-lake"
  description = "Functions and jobs of the lake: to each other and to endpoints."
  vpc_id      = aws_vpc.this.id
}

# Spark's workers talk to each other. https://docs.aws.amazon.com/glue/latest/dg/setup-vpc-for-glue-access.html
resource "aws_vpc_security_group_ingress_rule" "each_other" {
  #checkov:skip=CKV_AWS_24:from the group itself, from no address
  #checkov:skip=CKV_AWS_25:from the group itself, from no address
  #checkov:skip=CKV_AWS_260:from the group itself, from no address
  security_group_id            = aws_security_group.lake.id
  description                  = "Workers of a job to each other"
  ip_protocol                  = "tcp"
  from_port                    = 0
  to_port                      = 65535
  referenced_security_group_id = aws_security_group.lake.id
}

resource "aws_vpc_security_group_egress_rule" "each_other" {
  security_group_id            = aws_security_group.lake.id
  description                  = "Workers of a job to each other"
  ip_protocol                  = "tcp"
  from_port                    = 0
  to_port                      = 65535
  referenced_security_group_id = aws_security_group.lake.id
}

resource "aws_vpc_security_group_egress_rule" "interfaces" {
  security_group_id            = aws_security_group.lake.id
  description                  = "Interface endpoints"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.endpoints.id
}

resource "aws_vpc_security_group_egress_rule" "gateways" {
  for_each = aws_vpc_endpoint.gateway

  security_group_id = aws_security_group.lake.id
  description       = "Gateway endpoint of ${each.key}"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = each.value.prefix_list_id
}

resource "aws_security_group" "endpoints" {
  name        = "${var.name}-endpoints"
  description = "Interface endpoints: from functions and jobs of the lake alone."
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  security_group_id            = aws_security_group.endpoints.id
  description                  = "Functions and jobs of the lake"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.lake.id
}

resource "aws_vpc_endpoint" "gateway" {
  for_each = toset(["s3", "dynamodb"])

  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpc_endpoint" "interface" {
  for_each = var.services

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids  = [aws_security_group.endpoints.id]
  private_dns_enabled = true

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_glue_connection" "this" {
  name            = "${var.name}-network"
  description     = "The subnet that jobs run in."
  connection_type = "NETWORK"

  physical_connection_requirements {
    availability_zone      = var.availability_zones[0]
    subnet_id              = aws_subnet.private[var.availability_zones[0]].id
    security_group_id_list = [aws_security_group.lake.id]
  }
}

resource "aws_cloudwatch_log_group" "flow" {
  #checkov:skip=CKV_AWS_338:kept as long as lake.yaml says
  #checkov:skip=CKV_AWS_158:encrypted with CloudWatch's own key unless kms_key_arn is given
  name              = local._flow_logs
  retention_in_days = var.flow_log_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_flow_log" "this" {
  vpc_id          = aws_vpc.this.id
  traffic_type    = "ALL"
  log_destination = aws_cloudwatch_log_group.flow.arn
  iam_role_arn    = aws_iam_role.flow.arn
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["vpc-flow-logs.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "flow" {
  name               = "${var.name}-flow-log"
  description        = "Writes the network's log of connections."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "flow" {
  statement {
    sid       = "WriteConnections"
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = ["${var.arn_prefixes.logs}:log-group:${local._flow_logs}:*"]
  }
}

resource "aws_iam_role_policy" "flow" {
  name   = "write-connections"
  role   = aws_iam_role.flow.id
  policy = data.aws_iam_policy_document.flow.json
}
