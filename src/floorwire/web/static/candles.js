// One symbol's one-second candles as they came, and longer ones made of them. Pure.

const MOST = 1800; // half an hour
const FIGURES = ['open', 'high', 'low', 'close', 'volume'];

export class Candles {
  bars = []; // {start (us), ...FIGURES} in order; numbers, for drawing alone

  take({ start, ...figures }) {
    const last = this.bars.at(-1);
    if (last && start < last.start) return; // what was closed does not change
    if (last?.start === start) this.bars.pop();
    const bar = { start };
    for (const name of FIGURES) bar[name] = Number(figures[name]);
    this.bars.push(bar);
    if (this.bars.length > MOST) this.bars.splice(0, MOST / 10);
  }

  /** Return the last `count` candles of so many seconds. */
  grouped(seconds, count) {
    const groups = [];
    for (let i = this.bars.length - 1; i >= 0; i -= 1) {
      const bar = this.bars[i];
      const start = bar.start - (bar.start % (seconds * 1e6));
      const group = groups.at(-1);
      if (group?.start === start) {
        group.open = bar.open; // backwards: the earliest comes last
        group.high = Math.max(group.high, bar.high);
        group.low = Math.min(group.low, bar.low);
        group.volume += bar.volume;
      } else {
        if (groups.length === count) break;
        groups.push({ ...bar, start });
      }
    }
    return groups.reverse();
  }
}
