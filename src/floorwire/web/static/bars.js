// The bars of one market and interval: those of the past, and live ones after them. Pure.

const FIGURES = ['open', 'high', 'low', 'close', 'volume'];

const barOf = ({ start, ...figures }) =>
  Object.fromEntries([['start', start], ...FIGURES.map((name) => [name, Number(figures[name])])]);

export class Bars {
  bars = []; // {start (us), ...FIGURES} in order; numbers, for drawing alone

  /** Put in rows of the past, the oldest first. They replace what is known of their time. */
  past(rows) {
    if (rows.length === 0) return;
    const [first, last] = [rows[0].start, rows.at(-1).start];
    const older = this.bars.filter(({ start }) => start < first);
    const newer = this.bars.filter(({ start }) => start > last);
    this.bars = [...older, ...rows.map(barOf), ...newer];
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
}
