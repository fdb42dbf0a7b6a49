"""E-mails: how one is sent, and those that no run sends. Each of these goes out once, whoever asks how often."""

import json
from datetime import datetime
from hashlib import md5

from shoplake.aws import client
from shoplake.config import Lake
from shoplake.estimate import OverBudget
from shoplake.files import FileVersion
from shoplake.held import held_files
from shoplake.messages import Message, held_message, over_budget_message, refused_request_message
from shoplake.runs import Runs


def send(lake: Lake, message: Message) -> None:
    """Publish an e-mail to its topic."""
    client("sns").publish(
        TopicArn=lake.topic_arn(message.topic),
        Subject=message.subject,
        Message=message.body,
        MessageAttributes={name: _attribute(value) for name, value in message.attributes.items()},
    )


def tell_of_held_files(lake: Lake, now: datetime) -> bool:
    """Once a day, while files are held: which, and what to do. True where the e-mail was sent now."""
    held = [file.line for file in held_files(lake)]
    return bool(held) and _send_once(lake, f"held {now:%Y-%m-%d}", held_message(lake, held))


def tell_of_budget(lake: Lake, over: OverBudget, first: FileVersion, now: datetime) -> bool:
    """Once a day while the same files wait, which `first`, the earliest of them, stands for."""
    name = md5(first.object_id.encode(), usedforsecurity=False).hexdigest()
    return _send_once(lake, f"budget {now:%Y-%m-%d} {name}", over_budget_message(lake, over))


def tell_of_refused_request(lake: Lake, event_id: str, asked: str, sentence: str) -> bool:
    """Once an event: nobody waits for its answer."""
    return _send_once(lake, f"request {event_id}", refused_request_message(lake, asked, sentence))


def _send_once(lake: Lake, name: str, message: Message) -> bool:
    runs = Runs(lake.runs_table)
    if not runs.note_once(name):
        return False
    try:
        send(lake, message)
    except Exception:
        runs.forget_note(name)  # so that whoever comes next sends it
        raise
    return True


def _attribute(value: str | list[str]) -> dict[str, str]:
    """A message attribute; a list lets a subscription filter by each of its values."""
    if isinstance(value, list):
        return {"DataType": "String.Array", "StringValue": json.dumps(value)}
    return {"DataType": "String", "StringValue": value}
