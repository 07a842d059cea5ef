"""The admission of one TCP connection, from its first packet until it is gone."""

from __future__ import annotations

from collections.abc import Sequence

from floorwire.access.admission import AdmissionVerdict
from floorwire.app import Gateway


class ConnectionAdmission:
    """Counts one connection: its peer, or the client that a trusted proxy names."""

    __slots__ = ("_gateway", "address", "verdict")

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.address = ""
        self.verdict: AdmissionVerdict | None = None
        """None while the connection is not counted."""

    def admit(self, address: str) -> AdmissionVerdict:
        """Count the connection, once: when it is made, or before its TLS handshake."""
        if self.verdict is None:
            self.address = address
            if self._gateway.origin_policy.is_proxy(address):
                self.verdict = self._gateway.admission.admit_proxy()
            else:
                self.verdict = self._admit()
        return self.verdict

    def admit_client(self, forwarded_for: Sequence[str]) -> AdmissionVerdict:
        """Count the client in place of its proxy, if the peer is one."""
        assert self.verdict is not None, "a request before its connection"
        if self.verdict is AdmissionVerdict.PROXIED:
            self.release()
            self.address = self._gateway.origin_policy.client(self.address, forwarded_for)
            self.verdict = self._admit()
        return self.verdict

    def _admit(self) -> AdmissionVerdict:
        return self._gateway.admission.admit(self.address, self._gateway.clock.monotonic_us())

    def release(self) -> None:
        """The connection is gone: count it no more."""
        verdict, self.verdict = self.verdict, None
        if verdict is not None:
            self._gateway.admission.release(self.address, verdict)
