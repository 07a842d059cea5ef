"""Faults on demand. A test calls a function here, and the next frame or request that matches goes wrong."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum


class FrameFault(Enum):
    DROP = "drop"
    DUPLICATE = "duplicate"
    SWAP = "swap"
    CORRUPT = "corrupt"
    CUT = "cut"


class RequestFault(Enum):
    LOSE_BEFORE = "the connection ends before the request is done"
    LOSE_AFTER = "the request is done, and the connection ends before its answer"
    CUT_ANSWER = "the connection ends inside the answer"
    TIMEOUT_AFTER = "the request is done, and the answer says that the engine timed out"
    TOO_MANY = "refused for the rate"
    BANNED = "refused by a ban"
    UNAVAILABLE = "not done, and the network in front of the exchange answers 502 for it"
    GARBAGE = "done, and the body of the answer is no JSON"


@dataclass
class Faults:
    """Each list is used from its front, one entry a frame or request. `None` lets one pass."""

    frames: deque[tuple[str, FrameFault]] = field(default_factory=deque)
    requests: deque[tuple[str, RequestFault]] = field(default_factory=deque)
    delay_s: float = 0.0
    answer_delay_s: float = 0.0
    is_half_open: bool = False
    in_maintenance: bool = False
    repeat_fills: int = 0

    def drop_frame(self, containing: str = "") -> None:
        """Do not send the next frame that contains this text."""
        self.frames.append((containing, FrameFault.DROP))

    def duplicate_frame(self, containing: str = "") -> None:
        self.frames.append((containing, FrameFault.DUPLICATE))

    def reorder_frames(self, containing: str = "") -> None:
        """Send the next matching frame after the one that follows it."""
        self.frames.append((containing, FrameFault.SWAP))

    def corrupt_frame(self, containing: str = "") -> None:
        """Cut the next matching frame in its middle, so that it is no JSON."""
        self.frames.append((containing, FrameFault.CORRUPT))

    def cut_frame(self, containing: str = "") -> None:
        """End the connection inside the next matching frame, for example of a snapshot."""
        self.frames.append((containing, FrameFault.CUT))

    def delay_frames(self, delay_s: float) -> None:
        self.delay_s = delay_s

    def delay_answers(self, delay_s: float) -> None:
        """Answer requests later, but do them at once."""
        self.answer_delay_s = delay_s

    def half_open(self, is_half_open: bool = True) -> None:
        """Keep the sockets and send no more frames on them. What waits is sent when it ends."""
        self.is_half_open = is_half_open

    def lose_request(self, path: str) -> None:
        self.requests.append((path, RequestFault.LOSE_BEFORE))

    def lose_answer(self, path: str) -> None:
        self.requests.append((path, RequestFault.LOSE_AFTER))

    def cut_answer(self, path: str) -> None:
        """Disconnect in the middle of a body, for example of a snapshot."""
        self.requests.append((path, RequestFault.CUT_ANSWER))

    def time_out_after_execution(self, path: str) -> None:
        self.requests.append((path, RequestFault.TIMEOUT_AFTER))

    def be_unavailable(self, path: str = "") -> None:
        self.requests.append((path, RequestFault.UNAVAILABLE))

    def answer_garbage(self, path: str = "") -> None:
        """Answer with status 200 and a body that is no JSON."""
        self.requests.append((path, RequestFault.GARBAGE))

    def too_many_requests(self, path: str = "") -> None:
        self.requests.append((path, RequestFault.TOO_MANY))

    def ban(self, path: str = "") -> None:
        self.requests.append((path, RequestFault.BANNED))

    def repeat_next_fill(self) -> None:
        """Report the next fill twice on the private stream."""
        self.repeat_fills += 1

    def take_frame(self, text: str) -> FrameFault | None:
        if self.frames and self.frames[0][0] in text:
            return self.frames.popleft()[1]
        return None

    def take_request(self, path: str) -> RequestFault | None:
        if self.requests and self.requests[0][0] in path:
            return self.requests.popleft()[1]
        return None
