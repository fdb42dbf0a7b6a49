"""The laptop's mailbox: an SMTP server on loopback that keeps each message as a file.

A message is one JSON file under `<state_dir>/mail/`, named so that names sort by the time of arrival.
"""

import email.policy
import itertools
import json
import os
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.controller import Controller

HOST = "127.0.0.1"
FOLDER = "mail"


class Mailbox:
    """Accepts mail for anybody on 127.0.0.1 and stores it; sends nothing on."""

    def __init__(self, state_dir: Path, port: int) -> None:
        self.port = port
        self._store = _Store(Path(state_dir) / FOLDER)
        self._controller = Controller(self._store, hostname=HOST, port=port)

    def start(self) -> "Mailbox":
        """Listen. Raises OSError when the port is taken."""
        self._store.folder.mkdir(parents=True, exist_ok=True)
        self._controller.start()
        return self

    def stop(self) -> None:
        self._controller.stop()


def read_mail(state_dir: Path) -> list[dict]:
    """Every stored message, oldest first: `to`, `subject`, `body`, `sent_at` (ISO 8601, UTC)."""
    folder = Path(state_dir) / FOLDER
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


class _Store:
    """Handler of aiosmtpd: one call a message."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count()

    async def handle_DATA(self, server, session, envelope) -> str:
        now = datetime.now(UTC)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        stored = {
            "to": ", ".join(envelope.rcpt_tos),
            "subject": str(message["Subject"] or "").strip(),  # a folded header leaves the fold's space
            "body": _text_of(message),
            "sent_at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        # The number keeps the order of two messages in one microsecond.
        name = f"{now:%Y%m%dT%H%M%S.%fZ}-{next(self._numbers):06d}.json"
        partial = self.folder / f".{name}"
        partial.write_text(json.dumps(stored, ensure_ascii=False), encoding="utf-8")
        os.replace(partial, self.folder / name)
        return "250 Message accepted"


def _text_of(message: EmailMessage) -> str:
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    # Lines end with CRLF on the wire.
    return body.get_content().replace("\r\n", "\n").rstrip("\n")
