"""A proxy before a lake that refuses some calls of DynamoDB and Glue as AWS does when they come too fast."""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# By the first part of the header that names a call: what each service answers, with status 400.
REFUSALS = {
    "DynamoDB_20120810": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    "AWSGlue": "ThrottlingException",
}
EVERY = 4


class Throttle:
    """Refuses the first of every four calls of each service. `refused` counts them, by service."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def refusal(self, target: str) -> bytes | None:
        service = target.partition(".")[0]
        if service not in REFUSALS:
            return None
        with self._lock:
            number = self._calls[service]
            self._calls[service] += 1
            if number % EVERY:
                return None
            self.refused[service] += 1
        return json.dumps({"__type": REFUSALS[service], "message": "Rate exceeded"}).encode()


@contextmanager
def throttled(url: str) -> Iterator[tuple[str, Throttle]]:
    """A proxy before the lake at `url`: its own address, and its Throttle."""
    throttle = Throttle()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(urlsplit(url).netloc, throttle))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="throttle", daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", throttle
    finally:
        server.shutdown()
        server.server_close()


def _handler(lake: str, throttle: Throttle) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            refusal = throttle.refusal(self.headers.get("X-Amz-Target", ""))
            if refusal:
                self._send(400, [("Content-Type", "application/x-amz-json-1.1")], refusal)
                return
            connection = http.client.HTTPConnection(lake, timeout=60)
            connection.request(self.command, self.path, body, {**self.headers, "Host": lake})
            answer = connection.getresponse()
            content = answer.read()
            self._send(answer.status, answer.getheaders(), content)
            connection.close()

        def _send(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                # An answer to HEAD tells the length of what it doesn't bring.
                if name.lower() != "transfer-encoding" and (self.command == "HEAD" or name.lower() != "content-length"):
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer

        def log_message(self, *given) -> None:
            """Nobody reads it."""

    return Handler
