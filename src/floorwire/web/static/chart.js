// The candle chart: bars of one market and interval, past and live, drawn by TradingView's Lightweight Charts.
// The library keeps what is in sight in its place when bars are put in before it, and when a bar closes after it.

import { Bars } from './bars.js';
import { CandlestickSeries, HistogramSeries, createChart } from './lightweight-charts.js';
import { OlderBars } from './older_bars.js';
import { grouped } from './text.js';

const VOLUME = 0.8; // where the volumes begin, of the height
const VOLUME_ALPHA = '38'; // of their colour
const BAR_SPACING = 9;
const AGAIN = { firstMs: 6000, tries: 8 }; // when incomplete bars are asked for again, and how often
const EDGE_BARS = 100; // with fewer bars left of what is in sight, older ones are asked for

export class Chart {
  #bars = new Bars();
  #older;
  #chart;
  #candles;
  #volumes;
  #style;
  #colors = {}; // of bars
  #tries = 0; // how often incomplete bars were asked for since the last one came
  #timer = null; // of the next time

  /** @param tell what is told that the server refuses older bars, and why */
  constructor(place, tell) {
    this.#older = new OlderBars(tell);
    this.#style = getComputedStyle(place); // live: follows the colour scheme
    // The library would show its logo by a style of its own, which our policy forbids: the page names it instead.
    this.#chart = createChart(place, { autoSize: true, layout: { attributionLogo: false } });
    this.#candles = this.#chart.addSeries(CandlestickSeries, { wickVisible: true, borderVisible: false });
    this.#volumes = this.#chart.addSeries(HistogramSeries, {
      priceScaleId: 'volume',
      priceFormat: { type: 'volume' },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.#chart.priceScale('volume').applyOptions({ scaleMargins: { top: VOLUME, bottom: 0 } });
    this.#chart.priceScale('right').applyOptions({ scaleMargins: { top: 0.06, bottom: 1 - VOLUME + 0.02 } });
    this.#paintColors();
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange(() => this.#fillLeft());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#paintColors());
  }

  /** Begin with no bars: another market, or another interval. */
  show(market, interval) {
    this.#bars = new Bars();
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#older.show(market && { symbol: market.symbol, interval });
    const { tick, decimals } = market ?? { tick: 1, decimals: 0 };
    const formatter = (price) => grouped(price.toFixed(decimals));
    this.#candles.applyOptions({ priceFormat: { type: 'custom', minMove: tick, formatter } });
    const isShort = interval.endsWith('s') || interval.endsWith('m') || interval.endsWith('h');
    this.#chart.timeScale().applyOptions({
      barSpacing: BAR_SPACING,
      timeVisible: isShort,
      secondsVisible: interval.endsWith('s'),
    });
    this.#setData();
    this.#chart.timeScale().resetTimeScale();
    this.#chart.priceScale('right').applyOptions({ autoScale: true });
  }

  /** Put bars of the past before the live ones. */
  past(rows) {
    this.#bars.past(rows);
    this.#setData();
    this.#tries = 0;
    this.#askAgainLater();
  }

  /** Take a live candle. */
  take(candle) {
    const isNext = candle.start !== this.#bars.bars.at(-1)?.start;
    const bar = this.#bars.take(candle);
    if (bar === null) return;
    if (bar.incomplete) this.#tries = 0;
    if (isNext) this.#askAgainLater();
    if (this.#bars.trim()) {
      this.#setData();
      return;
    }
    this.#candles.update(this.#candle(bar));
    this.#volumes.update(this.#volume(bar));
  }

  /** Ask for older bars while the left edge is in sight, or nearly so. */
  async #fillLeft() {
    const bars = this.#bars;
    const inSight = this.#chart.timeScale().getVisibleLogicalRange();
    if (inSight === null || inSight.from >= EDGE_BARS || bars.room === 0) return;
    const [first] = bars.bars;
    const page = await this.#older.before(first.start, bars.room);
    if (page === null) return;
    // After a cut, rows of the past may have come meanwhile which the page does not join.
    if (bars.bars[0].start === first.start) {
      bars.older(page.rows, page.hasOlder);
      this.#setData();
    }
    this.#fillLeft();
  }

  /** Ask again for closed bars that are incomplete, after a while: the exchange may tell what they lack. */
  #askAgainLater() {
    if (this.#timer !== null || this.#tries === AGAIN.tries || this.#bars.incomplete === null) return;
    this.#timer = setTimeout(() => this.#askAgain(), AGAIN.firstMs * 2 ** this.#tries);
    this.#tries += 1;
  }

  async #askAgain() {
    const bars = this.#bars;
    const time = bars.incomplete;
    const page = time && (await this.#older.between(...time));
    if (this.#bars !== bars) return;
    this.#timer = null;
    if (page) {
      bars.again(page.rows);
      this.#setData();
      if (page.isFilling === false) this.#tries = AGAIN.tries; // nothing more comes, until the next loss
    }
    this.#askAgainLater();
    this.#fillLeft(); // the edge may have come in sight meanwhile: one request at a time
  }

  #setData() {
    this.#candles.setData(this.#bars.bars.map((bar) => this.#candle(bar)));
    this.#volumes.setData(this.#bars.bars.map((bar) => this.#volume(bar)));
  }

  #candle({ start, open, high, low, close }) {
    return { time: start / 1e6, open, high, low, close };
  }

  #volume({ start, open, close, volume }) {
    const color = `${close < open ? this.#colors.down : this.#colors.up}${VOLUME_ALPHA}`;
    return { time: start / 1e6, value: volume, color };
  }

  #color(name) {
    return this.#style.getPropertyValue(`--${name}`).trim();
  }

  #paintColors() {
    const [up, down, grid, line] = ['up', 'down', 'grid', 'line'].map((name) => this.#color(name));
    this.#colors = { up, down };
    this.#chart.applyOptions({
      layout: {
        background: { color: this.#color('panel') },
        textColor: this.#color('muted'),
        fontFamily: this.#style.fontFamily,
        fontSize: 11,
      },
      grid: { vertLines: { color: grid }, horzLines: { color: grid } },
      rightPriceScale: { borderColor: line },
      timeScale: { borderColor: line },
    });
    this.#candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
    this.#setData();
  }
}
