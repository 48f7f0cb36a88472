"""Over real sockets on loopback: what httpx really raises, and that a campaign never rides on a
connection that may have gone stale."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import Any

import httpx
import pytest

from instore.adapters.vendor_http import Limits, Request, VendorHttp
from instore.errors import VendorNotReachedError, VendorUnavailableError

pytestmark = pytest.mark.enable_socket
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


def whole_request(connection: socket.socket) -> bool:
    """Wait until one request is here, headers and body; False when the other side is gone."""
    data = b""
    while b"\r\n\r\n" not in data or (b"POST" in data and not data.endswith(b"{}")):
        piece = connection.recv(65536)
        if not piece:
            return False
        data += piece
        if not data.startswith((b"GET", b"POST")):
            return True  # TLS: whoever speaks it gets our answer, too
    return True


@contextmanager
def server(answer: bytes) -> Iterator[tuple[str, list[int]]]:
    """Says the same to every request; yields its address and the connections it took."""
    listener = socket.create_server(("127.0.0.1", 0))
    taken: list[int] = []

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while whole_request(connection):
                if not answer:
                    return
                connection.sendall(answer)

    def accept() -> None:
        while True:
            try:
                connection, (_, port) = listener.accept()
            except OSError:
                return
            taken.append(port)
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/", taken
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def test_reads_keep_a_connection_and_campaigns_take_a_new_one() -> None:
    with server(GOOD) as (url, taken), closing(VendorHttp()) as http:
        for _ in range(3):
            assert http.send(Request("GET", url), limits=Limits(total=20, connect=5)).body == b"{}"
        assert len(taken) == 1
        for _ in range(2):
            http.send(
                Request("POST", url, body=b"{}"), limits=Limits(total=20, connect=5, fresh=True)
            )
        assert len(set(taken)) == 3


def test_closed_connections_come_back_when_needed() -> None:
    with server(GOOD) as (url, taken), closing(VendorHttp()) as http:
        for _ in range(2):
            http.send(Request("GET", url), limits=Limits(total=20, connect=5))
            http.close()
        assert len(set(taken)) == 2


def test_nobody_listens() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    with closing(VendorHttp()) as http, pytest.raises(VendorNotReachedError):
        http.send(Request("GET", f"http://127.0.0.1:{port}/"), limits=Limits(total=20, connect=5))


def test_no_tls_where_tls_was_expected_was_never_sent() -> None:
    with server(b"plain text\r\n") as (url, _), closing(VendorHttp()) as http:
        secure = Request("POST", url.replace("http:", "https:"), body=b"{}")
        with pytest.raises(VendorNotReachedError):
            http.send(secure, limits=Limits(total=20, connect=5))


CUT_SHORT = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"


@pytest.mark.parametrize("answer", [b"", CUT_SHORT, b"hm?\r\n"])
def test_connection_lost_or_silent_after_sending_is_unknown(answer: bytes) -> None:
    with server(answer) as (url, _), closing(VendorHttp()) as http:
        with pytest.raises(VendorUnavailableError) as caught:
            http.send(Request("POST", url, body=b"{}"), limits=Limits(total=4, connect=1.5))
        assert (type(caught.value), caught.value.processed) == (VendorUnavailableError, None)


def test_callers_side_by_side_share_their_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep sends texts in threads: a client made twice would be one whose sockets nobody closes."""
    made: list[httpx.Client] = []
    real = httpx.Client

    def slow(**settings: Any) -> httpx.Client:
        time.sleep(0.05)  # so that all of them find none there
        made.append(real(**settings))
        return made[-1]

    monkeypatch.setattr(httpx, "Client", slow)
    http = VendorHttp(transport=httpx.MockTransport(lambda _: httpx.Response(200, json={})))
    request, limits = Request("GET", "https://vendor.example/"), Limits(total=5, connect=1)
    with ThreadPoolExecutor(8) as hands:
        asked = [hands.submit(http.send, request, limits=limits) for _ in range(8)]
    assert [one.result().status for one in asked] == [200] * 8
    assert len(made) == 1
    http.close()
    assert made[0].is_closed
