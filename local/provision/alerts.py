"""SNS topics, and an e-mail subscription of each address of the environment to each of them."""

from local.provision.account import Account, found
from shoplake.aws import client


def provision(account: Account) -> None:
    for topic in account.lake.inventory.topics:
        _ensure_topic(account, topic)
        _ensure_subscriptions(account, topic)


def _ensure_topic(account: Account, topic: str) -> None:
    name, sns = account.lake.topic_name(topic), client("sns")
    if found(sns.get_topic_attributes, "NotFound", TopicArn=account.lake.topic_arn(topic)) is None:
        sns.create_topic(Name=name)
        account.changed(f"created topic {name}")


def _ensure_subscriptions(account: Account, topic: str) -> None:
    """Subscribe the addresses of `lake.yaml`, and unsubscribe those that are no longer in it."""
    sns, arn, name = client("sns"), account.lake.topic_arn(topic), account.lake.topic_name(topic)
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
    present = {
        s["Endpoint"]: s["SubscriptionArn"] for page in pages for s in page["Subscriptions"] if s["Protocol"] == "email"
    }
    wanted = account.lake.settings.alerts
    for address in wanted:
        if address not in present:
            sns.subscribe(TopicArn=arn, Protocol="email", Endpoint=address)
            account.changed(f"subscribed {address} to {name}")
    for address, subscription in present.items():
        if address not in wanted:
            sns.unsubscribe(SubscriptionArn=subscription)
            account.changed(f"unsubscribed {address} from {name}")
