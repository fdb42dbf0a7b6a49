"""Gap: queues of a lake that comes back on another port.

The stock emulator stores queues under their URL, port included, and looks them up under the URL of the
present port: after a restart elsewhere it finds none. Hook: `sqs.load_persisted_state`.
"""

from urllib.parse import urlsplit

from ministack.services import sqs

from local.gaps import hooks


def install() -> None:
    global _stock_load
    _stock_load = hooks.replace(sqs, "load_persisted_state", _load_persisted_state, parameters=("data",))


def _load_persisted_state(data):
    queues = (data or {}).get("queues")
    if queues:
        moved = {}
        for (account, region, url), queue in queues._data.items():
            here = urlsplit(url)._replace(netloc=sqs._CANONICAL_NETLOC).geturl()
            if queue.get("url") == url:
                queue["url"] = here
            moved[account, region, here] = queue
        queues._data = moved
    return _stock_load(data)
