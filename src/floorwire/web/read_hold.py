"""Flow control of one HTTP connection that stops reading while enough waits to be parsed."""

from __future__ import annotations

from uvicorn.protocols.http.flow_control import FlowControl


class ReadHold(FlowControl):
    """uvicorn's flow control. While it holds, uvicorn cannot resume reading: it would after each answer."""

    _is_held = False

    def hold(self) -> None:
        """Stop reading."""
        self._is_held = True
        self.pause_reading()

    def release(self) -> None:
        """Read again."""
        if self._is_held:
            self._is_held = False
            self.resume_reading()

    def resume_reading(self) -> None:
        """Read again, unless held."""
        if not self._is_held:
            super().resume_reading()
