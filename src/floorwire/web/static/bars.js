// The bars of one market and interval: those of the past, and live ones after them. Pure.

export const MOST_BARS = 20_000; // when they are so many, none older are put in
const RECENT = 1000; // of so many bars, those that are incomplete are asked for again
const DROPPED = MOST_BARS / 10; // of the oldest, when a live bar is one too many
const FIGURES = ['open', 'high', 'low', 'close', 'volume'];

const barOf = ({ start, ...figures }) => ({
  start,
  ...Object.fromEntries(FIGURES.map((name) => [name, Number(figures[name])])),
  ...(figures.incomplete ? { incomplete: true } : {}),
});

export class Bars {
  bars = []; // {start (us), ...FIGURES} in order, `incomplete` if trades may be missing; for drawing alone
  hasOlder = true; // whether there may be bars before the first

  /** How many older bars may be put in. None before there is a bar: they would not be known to join. */
  get room() {
    return this.hasOlder && this.bars.length > 0 ? Math.max(0, MOST_BARS - this.bars.length) : 0;
  }

  /** Put in the latest rows of the past, the oldest first. They replace what is known of their time. */
  past(rows) {
    if (rows.length === 0) return;
    const [first, last] = [rows[0].start, rows.at(-1).start];
    // Without a bar in common there is a hole between: then what is before it is left out, and can be asked for.
    const isJoined = this.bars.some(({ start }) => start >= first);
    const older = isJoined ? this.bars.filter(({ start }) => start < first) : [];
    const newer = this.bars.filter(({ start }) => start > last);
    if (!isJoined) this.hasOlder = true;
    this.bars = [...older, ...rows.map(barOf), ...newer];
  }

  /** Put in a page of the bars before the first, the oldest first. `hasOlder`: there may be more before it. */
  older(rows, hasOlder) {
    const before = this.bars[0].start;
    this.bars = [...rows.filter(({ start }) => start < before).map(barOf), ...this.bars];
    this.hasOlder = hasOlder;
  }

  /** The time [from, to) of the closed bars of which the exchange may tell more; null if there are none. */
  get incomplete() {
    const closed = this.bars.slice(-RECENT, -1);
    const first = closed.find((bar) => bar.incomplete);
    return first ? [first.start, this.bars.at(-1).start] : null;
  }

  /** Put in rows that were asked for again: those that are known, and those between. */
  again(rows) {
    const before = this.bars.at(-1)?.start ?? 0; // the last one is live
    const known = new Map(this.bars.map((bar) => [bar.start, bar]));
    for (const row of rows) if (row.start < before) known.set(row.start, barOf(row));
    this.bars = [...known.values()].sort((one, other) => one.start - other.start);
  }

  /** Take a live candle. Return its bar; null if it is older than the last one: what is closed does not change. */
  take(candle) {
    const last = this.bars.at(-1);
    if (last && candle.start < last.start) return null;
    if (last?.start === candle.start) this.bars.pop();
    const bar = barOf(candle);
    this.bars.push(bar);
    return bar;
  }

  /** Drop the oldest bars where there are too many. Return whether there were. */
  trim() {
    if (this.bars.length <= MOST_BARS) return false;
    this.bars.splice(0, DROPPED);
    this.hasOlder = true;
    return true;
  }
}
