"""Gap: e-mail subscriptions of SNS topics.

The stock emulator confirms them at once and writes a log line a message. Here a message goes by SMTP
to the local mailbox, whose port is in SHOPLAKE_SMTP_PORT, again and again while the mailbox can't take it.
Hook: `sns._fanout`.
"""

import logging
import os
import smtplib
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage

from ministack.services import sns

from local.gaps import hooks

SENDER = "no-reply@sns.localhost"
DEFAULT_SUBJECT = "AWS Notification Message"
SMTP_HOST = "127.0.0.1"
SMTP_TIMEOUT_S = 10
RETRY_AFTER_S = (1, 2, 4, 8, 15, 30, 60, 120, 240)

logger = logging.getLogger(__name__)

# Called before a message is delivered: what the sender has noted must outlive the process as the message does.
before_delivery: Callable[[], None] = lambda: None  # noqa: E731


def install() -> None:
    global _stock_fanout
    _stock_fanout = hooks.replace(
        sns,
        "_fanout",
        _fanout,
        parameters=(
            "topic_arn",
            "msg_id",
            "message",
            "subject",
            "message_structure",
            "message_attributes",
            "message_group_id",
            "message_dedup_id",
        ),
    )


def _fanout(
    topic_arn,
    msg_id,
    message,
    subject,
    message_structure="",
    message_attributes=None,
    message_group_id="",
    message_dedup_id="",
):
    topic = sns._topic_by_arn_any_scope(topic_arn)
    attributes = message_attributes or {}
    for subscription in (topic or {}).get("subscriptions", []):
        protocol = subscription.get("protocol")
        if protocol not in ("email", "email-json") or not subscription.get("confirmed"):
            continue
        text = sns._resolve_message_for_protocol(message, message_structure, protocol)
        if not sns._matches_filter_policy(subscription, attributes, text):
            continue
        if protocol == "email-json":
            text = sns._build_envelope(topic_arn, msg_id, text, subject, attributes, False)
        # In the background, as on AWS: Publish returns before anything is delivered.
        threading.Thread(target=_send, args=(subscription["endpoint"], subject, text), daemon=True).start()
    _stock_fanout(
        topic_arn,
        msg_id,
        message,
        subject,
        message_structure,
        message_attributes,
        message_group_id,
        message_dedup_id,
    )


def _send(recipient: str, subject: str, text: str) -> None:
    port = os.environ.get("SHOPLAKE_SMTP_PORT")
    if not port:
        logger.warning("No mailbox (SHOPLAKE_SMTP_PORT is not set): e-mail to %s dropped", recipient)
        return
    mail = EmailMessage()
    mail["From"] = SENDER
    mail["To"] = recipient
    mail["Subject"] = subject or DEFAULT_SUBJECT
    mail.set_content(text)
    for pause_s in (*RETRY_AFTER_S, None):
        try:
            before_delivery()
            with smtplib.SMTP(SMTP_HOST, int(port), timeout=SMTP_TIMEOUT_S) as server:
                server.send_message(mail)
            return
        except (OSError, smtplib.SMTPException) as failure:
            logger.error("E-mail to %s was not delivered to the mailbox: %s", recipient, failure)
        if pause_s:
            time.sleep(pause_s)
