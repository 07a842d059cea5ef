"""Writes a recording until it is killed: `python -m tests.connectors.recorder_child FOLDER`.

After each flush it prints how many messages were written before it.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from floorwire.connectors.recording_writer import RecordingWriter
from floorwire.connectors.traffic_recorder import TrafficRecorder

T = 1_700_000_000_000_000
STEP_US = 1_000


def main(folder: Path) -> None:
    dates = itertools.count(T, STEP_US)
    writer = RecordingWriter(folder, "here", "coinbase", "s", 20_000, 3_600_000_000)
    recorder = TrafficRecorder(writer, lambda: next(dates))
    recorder.start()
    recorder.opened("feed-0", "wss://ws-feed.exchange.coinbase.com")
    for number in itertools.count():
        recorder.received("feed-0", b'{"type":"heartbeat","n":%d,"x":"%d"}' % (number, hash(str(number))))
        if number % 50 == 49:
            recorder.flush()
            print(number + 1, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
