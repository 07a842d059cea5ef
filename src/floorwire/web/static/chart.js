// The candle chart: one canvas, drawn anew whenever something on it changed.

import { grouped, timeOf } from './text.js';

const SLOT = 9; // a candle and the space beside it, in CSS pixels
const BODY = 6;
const FOOT = 20; // the time axis
const VOLUME = 0.16; // of the height
const LEAST_TICKS = 8; // of price shown: a market that stands still is a line, not a wall
const TIME_EVERY = 10; // candles
const PRICE_EVERY = 44; // pixels
const LABEL = 19; // the height of a price's

export class Chart {
  market = null;
  seconds = 1;
  #canvas;
  #pen;
  #style;

  constructor(canvas, repaint) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext('2d');
    this.#style = getComputedStyle(canvas); // live: follows the colour scheme
    new ResizeObserver(repaint).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
  }

  paint() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    this.#canvas.width = width * devicePixelRatio; // setting it also clears the canvas
    this.#canvas.height = height * devicePixelRatio;
    const pen = this.#pen;
    pen.scale(devicePixelRatio, devicePixelRatio);
    pen.font = `11px ${this.#style.fontFamily}`;
    pen.textBaseline = 'middle';
    if (!this.market?.candles.bars.length) return;
    const { candles, tick, decimals } = this.market;
    const write = (price) => grouped(price.toFixed(decimals));
    const right = width - Math.ceil(pen.measureText(write(candles.bars.at(-1).high)).width) - 18;
    const bottom = height - FOOT;
    const bars = candles.grouped(this.seconds, Math.floor(right / SLOT) + 1);
    const scale = scaleOf(bars, tick, bottom);
    const end = bars.at(-1).start;
    const xOf = (start) => Math.round(right - ((end - start) / (this.seconds * 1e6) + 0.5) * SLOT) - 4;
    this.#prices(scale, right, bottom, write, bars.at(-1).close);
    this.#times(end, xOf, right, bottom);
    this.#bars(bars, scale, xOf, bottom);
    this.#last(bars.at(-1), scale, right, width, write);
  }

  #color(name) {
    return this.#style.getPropertyValue(`--${name}`);
  }

  #text(text, x, y, color, align) {
    this.#pen.fillStyle = this.#color(color);
    this.#pen.textAlign = align;
    this.#pen.fillText(text, x, y);
  }

  #prices({ low, high, yOf }, right, bottom, write, last) {
    const step = roundStep((high - low) / Math.max(2, bottom / PRICE_EVERY));
    for (let price = Math.ceil(low / step) * step; price < high; price += step) {
      const y = Math.round(yOf(price));
      this.#pen.fillStyle = this.#color('grid');
      this.#pen.fillRect(0, y, right, 1);
      const isCovered = Math.abs(y - yOf(last)) < LABEL; // by the last price's label
      if (y > LABEL / 2 && !isCovered) this.#text(write(price), right + 10, y, 'muted', 'left');
    }
  }

  #times(end, xOf, right, bottom) {
    const step = TIME_EVERY * this.seconds * 1e6;
    for (let start = end - (end % step); xOf(start) > 28; start -= step) {
      const x = xOf(start);
      if (x < right - 28) this.#text(timeOf(start), x, bottom + FOOT / 2 + 2, 'muted', 'center');
    }
  }

  #bars(bars, { yOf }, xOf, bottom) {
    const pen = this.#pen;
    const most = Math.max(...bars.map((bar) => bar.volume)) || 1;
    for (const { start, open, high, low, close, volume } of bars) {
      const [x, deep] = [xOf(start), (volume / most) * bottom * VOLUME];
      const [top, foot] = [yOf(Math.max(open, close)), yOf(Math.min(open, close))];
      pen.fillStyle = this.#color(close < open ? 'down' : 'up');
      pen.globalAlpha = 0.22;
      pen.fillRect(x - BODY / 2, bottom - deep, BODY, deep);
      pen.globalAlpha = 1;
      pen.fillRect(x - 0.5, yOf(high), 1, yOf(low) - yOf(high));
      pen.fillRect(x - BODY / 2, top, BODY, Math.max(1, foot - top));
    }
  }

  #last({ open, close }, { yOf }, right, width, write) {
    const pen = this.#pen;
    const y = Math.round(yOf(close));
    pen.fillStyle = this.#color(close < open ? 'down' : 'up');
    for (let x = 0; x < right; x += 5) pen.fillRect(x, y, 2, 1);
    pen.beginPath();
    pen.roundRect(right + 3, y - 9, width - right - 3, LABEL, 4);
    pen.fill();
    this.#text(write(close), right + 10, y + 1, 'on-side', 'left');
  }
}

function scaleOf(bars, tick, height) {
  const [low, high] = [Math.min(...bars.map((bar) => bar.low)), Math.max(...bars.map((bar) => bar.high))];
  const spare = Math.max(0, LEAST_TICKS * tick - (high - low)) / 2 + (high - low) * 0.06;
  const [top, span] = [high + spare, high - low + 2 * spare];
  const usable = height * (1 - VOLUME) - 4;
  return { low: low - spare, high: top, yOf: (price) => 4 + ((top - price) / span) * usable };
}

/** The round number (1, 2 or 5 times a power of ten) at or above. */
function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * [1, 2, 5, 10].find((times) => times * power >= least);
}
