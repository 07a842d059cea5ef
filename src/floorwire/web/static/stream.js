// One subscription's place in its stream: what was seen, and what of it is missing. Pure.

// A price and a book are what they are now: their current state loses nothing. These are histories.
const HISTORIES = new Set(['trades', 'candles', 'system']);

/** What tells the page's streams apart; events carry the same names as requests. */
export const keyOf = ({ channel, symbol, depth, interval }) =>
  [channel, symbol, depth, interval].filter((part) => part !== undefined).join(' ');

export class Stream {
  epoch = null;
  seq = 0;
  caughtUpAt = 0; // events up to this seq were made before we came
  isHeld = false;
  isAwaited = false; // asked for, not yet answered: what comes belongs to what was before
  #isOpening = false;

  /** @param names {channel, symbol, depth, interval, history}, as the channel takes them */
  constructor(names) {
    this.names = names;
    this.key = keyOf(names);
  }

  /** The request: from where we were cut off, where there is a history to go on with. */
  subscribe(anew) {
    this.isHeld = this.isAwaited = true;
    const resumes = !anew && this.epoch !== null && HISTORIES.has(this.names.channel);
    const resume = resumes ? { epoch: this.epoch, seq: this.seq } : undefined;
    return { action: 'subscribe', ...this.names, resume };
  }

  /** Take in the reply. Return how many missed events follow, and the gap where some never will. */
  opened({ epoch, seq, gap = null }, wasResumed) {
    this.isAwaited = false;
    this.caughtUpAt = seq;
    if (wasResumed && !gap) return { recovered: seq - this.seq, gap };
    // The current state follows with the seq of the reply, where the channel has a state.
    Object.assign(this, { epoch, seq });
    this.#isOpening = true;
    return { recovered: 0, gap };
  }

  /** Whether a message of history is of this stream as it is held now. */
  isOf({ epoch, seq }) {
    return !this.isAwaited && epoch === this.epoch && seq === this.seq;
  }

  /**
   * Return what an event is to us: 'next'; 'state' (the opening one); 'conflated' or 'gap' (it says how many
   * it stands for); 'stray' or 'repeated' (to be ignored); 'hole' (events are missing that nobody announced:
   * our place stays before them, so that resuming brings them).
   */
  place({ epoch, seq, gap, conflated = 0 }) {
    if (this.isAwaited || epoch !== this.epoch) return 'stray';
    const isState = this.#isOpening && seq === this.seq;
    this.#isOpening = false;
    if (isState) return 'state';
    if (seq <= this.seq) return 'repeated';
    if ((gap ? gap.from : seq - conflated) > this.seq + 1) return 'hole';
    this.seq = seq;
    return gap ? 'gap' : conflated ? 'conflated' : 'next';
  }
}
