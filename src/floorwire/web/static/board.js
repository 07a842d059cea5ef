// The list of markets: one row a symbol, flashing where its price moves.

import { direction, element, grouped, percentOf, write } from './text.js';

const FLASH_MS = 700;
const REST_MS = 200; // between two flashes of one price: a burst glows, it does not flicker
const SPARK_SECONDS = 60;
const still = matchMedia('(prefers-reduced-motion: reduce)');

class Row {
  #market;
  #price = null;
  #flashedAt = 0;
  #parts;

  constructor(market, template) {
    this.#market = market;
    this.root = template.content.firstElementChild.cloneNode(true);
    this.link = this.root.querySelector('a');
    this.link.href = `#${market.symbol}`;
    this.link.textContent = market.symbol;
    const names = ['tag', 'last', 'change', 'bid', 'ask', 'spark'];
    this.#parts = Object.fromEntries(names.map((name) => [name, this.root.querySelector(`.${name}`)]));
  }

  paint() {
    const { ticker, feed, state, venue } = this.#market;
    const { tag, last, change, bid, ask } = this.#parts;
    this.root.dataset.feed = feed;
    this.root.dataset.state = state;
    write(tag, state !== 'open' ? state : feed === 'stale' ? 'stale' : venue);
    if (!ticker) return;
    write(bid, grouped(ticker.bid ?? '–'));
    write(ask, grouped(ticker.ask ?? '–'));
    write(last, grouped(ticker.last ?? '–'));
    write(change, percentOf(ticker));
    change.className = `change ${direction(0, Number(ticker.change))}`;
    if (this.#price) this.#flash(direction(this.#price, Number(ticker.last)));
    this.#price = Number(ticker.last);
    this.#line();
  }

  #flash(moved) {
    const now = performance.now();
    if (!moved || still.matches || now - this.#flashedAt < REST_MS) return;
    this.#flashedAt = now;
    const color = getComputedStyle(this.root).getPropertyValue(`--${moved}-flash`);
    this.#parts.last.animate({ backgroundColor: [color, 'transparent'] }, FLASH_MS);
  }

  #line() {
    const bars = this.#market.candles.bars.slice(-SPARK_SECONDS);
    const closes = bars.map((bar) => bar.close);
    const low = Math.min(...closes);
    const span = Math.max(...closes) - low || 1;
    const xOf = ({ start }) => SPARK_SECONDS - (bars.at(-1).start - start) / 1e6;
    const points = bars.map((bar) => `${xOf(bar)},${18 - ((bar.close - low) / span) * 16}`);
    this.#parts.spark.setAttribute('points', points.join(' '));
    this.#parts.spark.setAttribute('class', `spark ${direction(closes[0], closes.at(-1))}`);
  }
}

export class Board {
  #body;
  #template;
  #rows = new Map(); // symbol -> Row
  #changed = new Set();

  constructor(body, template) {
    this.#body = body;
    this.#template = template;
    // The whole row may be clicked; the link in it is for keyboards and screen readers.
    body.addEventListener('click', ({ target }) => {
      if (!target.closest('a')) target.closest('tr').querySelector('a').click();
    });
  }

  list(markets) {
    const row = (market) => this.#rows.get(market.symbol) ?? new Row(market, this.#template);
    this.#rows = new Map(markets.map((market) => [market.symbol, row(market)]));
    this.#body.replaceChildren(...[...this.#rows.values()].map(({ root }) => root));
    this.#changed = new Set(this.#rows.keys());
  }

  change(symbol) {
    this.#changed.add(symbol);
  }

  select(symbol) {
    for (const [name, { root, link }] of this.#rows) {
      root.classList.toggle('selected', name === symbol);
      link.setAttribute('aria-current', name === symbol);
    }
    this.#rows.get(symbol)?.root.scrollIntoView({ block: 'nearest' });
  }

  focus(symbol) {
    this.#rows.get(symbol)?.link.focus();
  }

  /** The symbol so many rows from this one, or the last one on the way. */
  beside(symbol, rows) {
    const symbols = [...this.#rows.keys()];
    return symbols[Math.min(symbols.length - 1, Math.max(0, symbols.indexOf(symbol) + rows))];
  }

  paint() {
    for (const symbol of this.#changed) this.#rows.get(symbol)?.paint();
    this.#changed.clear();
  }
}
