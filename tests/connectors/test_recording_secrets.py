"""No credential gets into a recording."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from floorwire.connectors.recording_secrets import has_secret, without_secrets
from floorwire.connectors.recording_writer import RecordingWriter
from floorwire.connectors.traffic_recorder import TrafficRecorder


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x/a?symbol=BTCUSDT&limit=1000", "https://x/a?symbol=BTCUSDT&limit=1000"),
        ("https://x/a?timestamp=1&signature=abc", "https://x/a?timestamp=1&signature=hidden"),
        ("wss://x/ws?listenKey=abc", "wss://x/ws?listenKey=hidden"),
        ("https://name:pass@x/a", "https://x/a"),
        ("https://[broken/a", ""),
    ],
)
def test_addresses(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


@pytest.mark.parametrize(
    "text",
    [
        '{"method":"session.logon","params":{"apiKey":"a","signature":"b","timestamp":1}}',
        '{"op":"login","args":[{"apiKey":"a","passphrase":"p","timestamp":"1","sign":"s"}]}',
        '{"op":"auth","args":["key",1,"signature"]}',
        '{"op": "auth", "args": []}',
        '{"type":"subscribe","channel":"user","jwt":"ey"}',
        '{"method":"subscribe","params":{"channel":"executions","token":"t"}}',
    ],
)
def test_messages_that_sign_in(text: str, tmp_path: Path) -> None:
    assert has_secret(text)
    writer = RecordingWriter(tmp_path, "a", "b", "s", 10**6, 10**6)
    recorder = TrafficRecorder(writer, lambda: 1)
    recorder.start()
    recorder.sent("link", text)
    recorder.end()
    assert text.encode()[-20:] not in gzip.decompress(writer.files[0].read_bytes())
    assert b'"is_hidden":true' in gzip.decompress(writer.files[0].read_bytes())


@pytest.mark.parametrize(
    "text",
    [
        '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}',
        '{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}',
        '{"type":"subscribe","product_ids":["AUTH-USD"],"channels":["ticker"]}',
        '{"method":"ping"}',
        "ping",
    ],
)
def test_messages_that_do_not(text: str) -> None:
    assert not has_secret(text)
