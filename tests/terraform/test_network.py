"""The lake's own network, as planned: what is in it, and that nothing in it leads to the internet."""

import copy

import pytest

from tests.terraform.workspace import Plan

# All that a network adds to a lake. A gateway or a route to somewhere else would be another type.
TYPES = {
    "aws_default_security_group", "aws_flow_log", "aws_glue_connection", "aws_route_table",
    "aws_route_table_association", "aws_security_group", "aws_subnet", "aws_vpc", "aws_vpc_endpoint",
    "aws_vpc_security_group_egress_rule", "aws_vpc_security_group_ingress_rule",
}  # fmt: skip
# The plan has them besides a network.
BESIDES = {"aws_sns_topic_subscription", "aws_ce_anomaly_monitor", "aws_ce_anomaly_subscription"}
# Every rule of its security groups, by name: first and last port. All are of TCP, between groups or to gateways.
RULES = {
    "ingress_rule.each_other": (0, 65535),
    "ingress_rule.endpoints": (443, 443),
    "egress_rule.each_other": (0, 65535),
    "egress_rule.interfaces": (443, 443),
    'egress_rule.gateways["dynamodb"]': (443, 443),
    'egress_rule.gateways["s3"]': (443, 443),
}


def ways_out(plan: Plan, without: Plan) -> list[str]:
    """What a network holds besides the listed types and rules, and what of these has an address that isn't its own."""
    known = TYPES | BESIDES | {resource["type"] for resource in without.resources}
    found = [resource["address"] for resource in plan.resources if resource["type"] not in known]
    for resource in plan.resources:
        kind, values = resource["type"], resource["values"]
        if kind.startswith("aws_vpc_security_group_"):
            name = resource["address"].partition("aws_vpc_security_group_")[2]
            ports = (values["from_port"], values["to_port"])
            open_to = [values.get(place) for place in ("cidr_ipv4", "cidr_ipv6")]
            if RULES.get(name) != ports or values["ip_protocol"] != "tcp" or open_to != [None, None]:
                found.append(resource["address"])
        inline = [values.get(block) for block in ("route", "ingress", "egress")]
        public = ("map_public_ip_on_launch", "assign_generated_ipv6_cidr_block", "ipv6_cidr_block")
        if kind in TYPES and (any(inline) or any(values.get(name) for name in public)):
            found.append(resource["address"])
    return found


@pytest.fixture
def with_network(with_everything):
    return copy.deepcopy(with_everything)


def add(plan: Plan, kind: str, **values) -> str:
    address = f"module.network[0].{kind}.new"
    plan.resources.append({"address": address, "type": kind, "key": None, "values": values})
    return address


def test_nothing_in_the_network_leads_to_the_internet(with_network, plans):
    assert ways_out(with_network, plans["dev"]) == []
    assert {resource["type"] for resource in with_network.resources} >= TYPES
    rules = [r["address"] for r in with_network.resources if r["type"].startswith("aws_vpc_security_group_")]
    assert sorted(rule.partition("aws_vpc_security_group_")[2] for rule in rules) == sorted(RULES)


@pytest.mark.parametrize(
    "kind",
    ["aws_internet_gateway", "aws_nat_gateway", "aws_egress_only_internet_gateway", "aws_vpc_peering_connection",
     "aws_route", "aws_eip"],
)  # fmt: skip
def test_a_gateway_or_a_route_would_be_seen(with_network, plans, kind):
    address = add(with_network, kind, destination_cidr_block="0.0.0.0/0")
    assert ways_out(with_network, plans["dev"]) == [address]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("aws_vpc_security_group_egress_rule", {"cidr_ipv4": "0.0.0.0/0"}),
        ("aws_vpc_security_group_egress_rule", {"cidr_ipv6": "::/0"}),
        ("aws_vpc_security_group_ingress_rule", {}),
    ],
)
def test_another_rule_would_be_seen(with_network, plans, kind, values):
    address = add(with_network, kind, from_port=443, to_port=443, ip_protocol="tcp", **values)
    assert ways_out(with_network, plans["dev"]) == [address]


@pytest.mark.parametrize(
    ("kind", "block"),
    [
        ("aws_route_table", {"route": [{"ipv6_cidr_block": "::/0"}]}),
        ("aws_security_group", {"egress": [{"cidr_blocks": ["0.0.0.0/0"]}]}),
        ("aws_default_security_group", {"ingress": [{"self": True}]}),
        ("aws_subnet", {"map_public_ip_on_launch": True}),
        ("aws_vpc", {"assign_generated_ipv6_cidr_block": True}),
    ],
)
def test_a_route_or_a_rule_within_a_resource_would_be_seen(with_network, plans, kind, block):
    resource = next(resource for resource in with_network.resources if resource["type"] == kind)
    resource["values"] |= block
    assert ways_out(with_network, plans["dev"]) == [resource["address"]]


def test_functions_and_jobs_are_in_the_network(with_network):
    assert len(with_network.values("aws_subnet")) == 2
    assert all(len(values["vpc_config"]) == 1 for values in with_network.values("aws_lambda_function"))
    assert all(values["connections"] == ["shoplake-dev-network"] for values in with_network.values("aws_glue_job"))
