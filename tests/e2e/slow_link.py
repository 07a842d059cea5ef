"""The line between a page and its server: passes everything on, until it is told to do harm."""

from __future__ import annotations

from typing import TypeAlias

from playwright.sync_api import Page

from tests.e2e.browser_page import expect_true

Message: TypeAlias = dict[str, object]

# In the page itself, in front of the browser's own WebSocket: nothing is slower than without it.
SCRIPT = """
window.line = { asked: [], told: [], harm: (message) => message, refuse: () => null };
window.WebSocket = class extends WebSocket {
  constructor(url) {
    super(url);
    line.cut = (code, reason) => {
      const tell = this.onclose;
      this.onclose = null;
      this.close();
      tell({ code, reason });
    };
    line.tell = (message) => this.pass({ data: JSON.stringify(message) });
  }
  send(data) {
    const message = JSON.parse(data);
    line.asked.push(message);
    const refusal = line.refuse(message);
    if (refusal) setTimeout(() => this.pass({ data: JSON.stringify({ ...refusal, id: message.id }) }));
    else super.send(data);
  }
  set onmessage(handle) {
    this.pass = ({ data }) => {
      const message = line.harm(JSON.parse(data));
      if (message === null) return;
      line.told.push(message);
      handle({ data: JSON.stringify(message) });
    };
    super.onmessage = this.pass;
  }
};
// Refuse the next subscription to a channel, and no more. It does not reach the server.
line.refuseNext = (channel, refusal) => {
  line.refuse = (message) => {
    if (message.action !== 'subscribe' || message.channel !== channel) return null;
    line.refuse = () => null;
    return refusal;
  };
};
// Harm the next event of a channel (and of a type, where there are several), and no more.
line.harmNext = (channel, type, harm) => {
  line.harm = (message) => {
    if (message.channel !== channel || message.type !== type || message.status) return message;
    line.harm = (message) => message;
    return harm(message);
  };
};
"""


class Line:
    """Every connection that the page makes from now on goes through here."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.add_init_script(SCRIPT)

    def asked(self, channel: str) -> list[Message]:
        """Return what the page asked of the channel, on all its connections."""
        return self._of("asked", channel)

    def told(self, channel: str) -> list[Message]:
        """Return what the page was told of the channel, replies and events, on all its connections."""
        return self._of("told", channel)

    def expect_none_missing(self, channel: str) -> None:
        """Wait until the page has got every event of the channel since its first, in whatever order."""
        expect_true(
            self._page,
            "(channel) => {"
            " const events = line.told.filter((told) => told.channel === channel && !told.status);"
            " const seqs = [...new Set(events.map(({ seq }) => seq))].sort((a, b) => a - b);"
            " return seqs.at(-1) - seqs[0] + 1 === seqs.length; }",
            channel,
        )

    def _of(self, part: str, channel: str) -> list[Message]:
        messages: list[Message] = self._page.evaluate(
            "([part, channel]) => line[part].filter((message) => message.channel === channel)",
            [part, channel],
        )
        return messages

    def cut(self, code: int, reason: str = "") -> None:
        """Close the connection, and let the page believe that the server did, with this code."""
        self._page.evaluate("([code, reason]) => line.cut(code, reason)", [code, reason])

    def tell(self, message: Message) -> None:
        """Send the page a message that the server did not send."""
        self._page.evaluate("(message) => line.tell(message)", message)

    def silence(self) -> None:
        """Let nothing through to the page."""
        self._page.evaluate("line.harm = () => null")

    def mend(self) -> None:
        """Do no more harm."""
        self._page.evaluate("line.harm = (message) => message")

    def drop_next(self, channel: str) -> None:
        """Lose the next event of the channel."""
        self._page.evaluate("(channel) => line.harmNext(channel, undefined, () => null)", channel)

    def refuse_next(self, channel: str, refusal: Message) -> None:
        """Answer the next subscription to the channel with this error."""
        self._page.evaluate("([channel, refusal]) => line.refuseNext(channel, refusal)", [channel, refusal])

    def falsify_next_checksum(self) -> None:
        """Change the checksum of the book's next update."""
        self._page.evaluate(
            "line.harmNext('book', 'update', (message) => ({ ...message, checksum: message.checksum ^ 1 }))"
        )
