// The connection: opens, watches, comes back, and goes on where it was cut off. It knows the protocol
// and nothing of what is shown.

import { Meter, nowUs } from './meter.js';
import { ticketed } from './signin.js';
import { Stream, keyOf } from './stream.js';

const TICK_MS = 250;
const PING_MS = 2000;
const SILENT_MS = 2500; // the server's heartbeat comes every second: two are missing
const GIVE_UP_MS = 4000; // of silence, or of a handshake that does not end
const ASK_AGAIN_MS = 1000; // after a refusal that does not say when to ask again
const STABLE_MS = 5000; // a connection that lived this long was a good one: the next failure is a first one
const BACKOFF_MS = { first: 500, most: 15_000 };
const isForGood = (code) => code >= 4500 && code <= 4999; // the server says: not again as you are
const WANTS_KEY = new Set(['unauthenticated', 'forbidden']);
const ALWAYS = [{ channel: 'heartbeat' }, { channel: 'system' }];

export class Wire {
  meter = new Meter();
  #url;
  #listener;
  #socket = null;
  #streams = new Map(); // key -> Stream
  #asked = new Map(); // request id -> what to do with its reply
  #id = 0;
  #state = 'connecting';
  #failures = 0;
  #retry = 0;
  #attempts = 0;
  #openedAt = 0;
  #heardAt = 0;
  #tickedAt = 0;
  #pingedAt = 0;
  #lostAt = null; // when the last good connection ended
  #reunion = null; // what coming back has brought so far

  /**
   * @param listener `state({name, until, reason})`: connecting, open, silent, reconnecting, lost, and `key`:
   *   the server wants one, or another, and `reason` says why;
   *   `symbols(rows)`: answer with `want`; `opened(stream, reply)`; `event(stream, event)`;
   *   `history(stream, message)`: rows of the past, before its first event;
   *   `back({awayMs, recovered})`; `gap([[stream, {from, to, reason}]])`: announced; `hole(stream)`: not.
   */
  constructor(url, listener) {
    this.#url = url;
    this.#listener = listener;
    setInterval(() => this.#tick(performance.now()), TICK_MS);
    addEventListener('online', () => this.#state === 'reconnecting' && this.open());
  }

  /** Connect now, whatever was before. */
  async open() {
    clearTimeout(this.#retry);
    this.#leaveSocket();
    const attempt = ++this.#attempts;
    this.#turn(this.#lostAt === null ? 'connecting' : 'reconnecting');
    const { url, refused } = await ticketed(this.#url);
    if (attempt !== this.#attempts) return; // another has begun meanwhile
    if (refused) {
      this.#turn('key', { reason: refused });
      return;
    }
    if (!url) {
      this.#closed(null, 'no answer');
      return;
    }
    const socket = new WebSocket(url);
    // A socket that was given up may still speak: only the current one is listened to.
    const ifCurrent = (handle) => (event) => socket === this.#socket && handle(event);
    socket.onopen = ifCurrent(() => this.askSymbols());
    socket.onmessage = ifCurrent(({ data }) => this.#received(JSON.parse(data)));
    socket.onclose = ifCurrent(({ code, reason }) => this.#closed(code, reason));
    this.#socket = socket;
    this.#openedAt = this.#heardAt = performance.now();
  }

  /** Ask for the instruments; the listener is told. */
  askSymbols() {
    this.#ask({ action: 'symbols' }, ({ status, code, message, symbols }) => {
      if (status === 'error') {
        this.#refused(code, message);
        return;
      }
      const isBack = this.#state !== 'open' && this.#lostAt !== null;
      if (isBack) this.#reunion = { awayMs: performance.now() - this.#lostAt, recovered: 0, gaps: [] };
      this.#turn('open');
      this.#listener.symbols(symbols);
    });
  }

  /** Prices were refused: a key opens them, or time does. */
  #refused(code, message) {
    if (WANTS_KEY.has(code)) {
      this.#leaveSocket();
      this.#turn('key', { reason: message });
    } else {
      this.#closed(null, message);
    }
  }

  /** Hold exactly these streams; those held already go on. Without a connection: once there is one. */
  want(names) {
    const wanted = new Map([...ALWAYS, ...names].map((each) => [keyOf(each), each]));
    for (const [key, stream] of this.#streams) {
      if (wanted.has(key)) continue;
      this.#streams.delete(key);
      if (stream.isHeld) this.#ask({ action: 'unsubscribe', ...stream.names });
    }
    for (const [key, each] of wanted) {
      const known = this.#streams.get(key);
      // What began without its past begins again, with it.
      if (!known || (each.history && !known.names.history)) this.#streams.set(key, new Stream(each));
      else known.names = each;
      if (!this.#streams.get(key).isHeld) this.#subscribe(this.#streams.get(key));
    }
  }

  /** Begin a stream again with its current state. */
  renew(stream) {
    this.#subscribe(stream, true);
  }

  #subscribe(stream, anew = false) {
    if (!this.#isUp) return;
    const request = stream.subscribe(anew);
    this.#ask(request, (reply) => {
      if (reply.status === 'error') {
        if (reply.retry) this.#subscribeLater(stream, anew, reply.retry_after_ms ?? ASK_AGAIN_MS);
        else this.#streams.delete(stream.key); // an instrument that was delisted this very moment
        return;
      }
      const { recovered, gap } = stream.opened(reply, request.resume !== undefined);
      this.#listener.opened(stream, reply);
      if (this.#reunion) this.#gather(recovered, gap && [stream, gap]);
      else if (gap) this.#listener.gap([[stream, gap]]);
    });
  }

  /** After a refusal that time ends: too many requests, a venue that cannot be reached. */
  #subscribeLater(stream, anew, waitMs) {
    stream.isHeld = stream.isAwaited = false;
    setTimeout(() => {
      const isWanted = this.#streams.get(stream.key) === stream;
      if (isWanted && !stream.isHeld) this.#subscribe(stream, anew);
    }, waitMs);
  }

  #gather(recovered, gap) {
    const { awayMs, gaps } = this.#reunion;
    this.#reunion.recovered += recovered;
    if (gap) gaps.push(gap);
    if ([...this.#streams.values()].some((stream) => stream.isAwaited)) return;
    this.#listener.back({ awayMs, recovered: this.#reunion.recovered });
    if (gaps.length) this.#listener.gap(gaps);
    this.#reunion = null;
  }

  get #isUp() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  #ask(request, then) {
    if (!this.#isUp) return;
    this.#id += 1;
    this.#asked.set(this.#id, then);
    this.#socket.send(JSON.stringify({ ...request, id: this.#id }));
  }

  #received(message) {
    this.#heardAt = performance.now();
    this.meter.message();
    if (this.#state === 'silent') this.#turn('open');
    if (message.status === undefined) {
      this.#happened(message);
      return;
    }
    const then = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    then?.(message);
  }

  #happened(event) {
    // A system event may name the symbol that it is about, but there is one stream of them.
    const stream = this.#streams.get(event.channel === 'system' ? 'system' : keyOf(event));
    if (event.event === 'history') {
      if (stream?.isOf(event)) this.#listener.history(stream, event);
      return;
    }
    const place = stream?.place(event) ?? 'stray'; // of a stream that was left a moment ago
    if (place === 'hole') {
      this.#listener.hole(stream);
      this.#subscribe(stream);
    } else if (place === 'gap') {
      this.#listener.gap([[stream, event.gap]]);
    } else if (place !== 'stray' && place !== 'repeated') {
      if (event.seq > stream.caughtUpAt) this.meter.event(event.sent);
      this.#listener.event(stream, event);
    }
  }

  #tick(now) {
    // After a suspended laptop or a busy tab, what was sent meanwhile may still wait to be read.
    if (now - this.#tickedAt > 4 * TICK_MS) this.#heardAt = Math.max(this.#heardAt, now - SILENT_MS);
    this.#tickedAt = now;
    if (!this.#socket) return;
    if (now - this.#heardAt > GIVE_UP_MS) this.#closed(null, 'no answer');
    else if (this.#state !== 'open') return;
    else if (now - this.#heardAt > SILENT_MS) this.#turn('silent');
    else if (now - this.#pingedAt > PING_MS) this.#ping(now);
  }

  #ping(now) {
    this.#pingedAt = now;
    const askedUs = nowUs();
    this.#ask({ action: 'ping' }, (pong) => this.meter.pong(askedUs, pong.ts));
  }

  #closed(code, reason) {
    const now = performance.now();
    const wasGood = this.#state === 'open' || this.#state === 'silent';
    if (wasGood || this.#lostAt === null) this.#lostAt = now;
    if (wasGood && now - this.#openedAt > STABLE_MS) this.#failures = 0;
    this.#leaveSocket();
    if (isForGood(code)) {
      this.#turn('lost', { reason: reason || `closed with ${code}` });
      return;
    }
    // Full jitter: a crowd that lost the same server comes back spread over the whole time.
    const waitMs = Math.random() * Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** this.#failures);
    this.#failures += 1;
    this.#retry = setTimeout(() => this.open(), waitMs);
    this.#turn('reconnecting', { until: now + waitMs });
  }

  #leaveSocket() {
    const socket = this.#socket;
    this.#socket = null;
    this.#asked.clear();
    for (const stream of this.#streams.values()) stream.isHeld = stream.isAwaited = false;
    socket?.close(); // a dead peer does not answer; nobody waits for it
  }

  #turn(name, details = {}) {
    this.#state = name;
    this.#listener.state({ name, ...details });
  }
}
