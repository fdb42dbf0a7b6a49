"""Gap sns_email, and the mailbox: what is published to a topic arrives as a message that can be read."""

import json
import uuid

import pytest

from local.mailbox import read_mail


@pytest.fixture
def topic(aws):
    return aws("sns").create_topic(Name=f"topic-{uuid.uuid4().hex[:8]}")["TopicArn"]


@pytest.fixture
def inbox(emulator, eventually):
    """A function that waits for so many messages to an address and gives them."""

    def messages(address: str, count: int) -> list[dict]:
        def mine():
            return [mail for mail in read_mail(emulator.state_dir) if mail["to"] == address]

        eventually(lambda: len(mine()) >= count)
        return mine()

    return messages


def subscribe(aws, topic, **attributes) -> str:
    address = f"{uuid.uuid4().hex[:8]}@example.com"
    aws("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=address, Attributes=attributes)
    return address


def test_a_published_message_arrives_with_subject_and_text(aws, topic, inbox):
    address = subscribe(aws, topic)
    text = "First line: 12 €\n\n" + "long " * 300 + "\nlast"
    subject = "[shoplake local] run 2025-01-15-0002 published: 2 files, 2 rows, 1 refused"  # folded on the wire
    aws("sns").publish(TopicArn=topic, Subject=subject, Message=text)
    [mail] = inbox(address, 1)
    assert (mail["subject"], mail["body"]) == (subject, text)
    assert mail["sent_at"].endswith("Z")


def test_mail_is_read_oldest_first(aws, topic, inbox):
    address = subscribe(aws, topic)
    for number in range(3):
        aws("sns").publish(TopicArn=topic, Subject=f"mail {number}", Message="x")
        inbox(address, number + 1)
    assert [mail["subject"] for mail in inbox(address, 3)] == ["mail 0", "mail 1", "mail 2"]


def test_a_filter_policy_keeps_other_messages_away(aws, topic, inbox):
    critical = subscribe(aws, topic, FilterPolicy=json.dumps({"severity": ["critical"]}))
    everything = subscribe(aws, topic)
    for severity in ("info", "critical"):
        attributes = {"severity": {"DataType": "String", "StringValue": severity}}
        aws("sns").publish(TopicArn=topic, Subject=severity, Message="x", MessageAttributes=attributes)
    assert len(inbox(everything, 2)) == 2
    assert [mail["subject"] for mail in inbox(critical, 1)] == ["critical"]
