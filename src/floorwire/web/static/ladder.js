// The order book as two tables that meet in the middle, with bars for the depth up to each level.

import { Book } from './book.js';
import { decimalsIn, element, grouped, write } from './text.js';

const LEVELS = 25;

export class Ladder {
  #root;
  #rows;
  #decimals;
  #wrong;
  #book;

  constructor(root) {
    this.#root = root;
    this.#rows = ['.bids tbody', '.asks tbody'].map((body) => {
      const rows = Array.from({ length: LEVELS }, () =>
        element('tr', {}, ['price', 'size', 'total'].map((name) => element('td', { class: name }))),
      );
      root.querySelector(body).append(...rows);
      return rows;
    });
  }

  /** Begin with another market's book. */
  show(decimals) {
    [this.#book, this.#wrong, this.#decimals] = [new Book(), 0, decimals];
  }

  /** Take in a message. Return false where the book has to be asked for again. */
  take(message) {
    const fits = this.#book.take(message);
    if (!fits) this.#wrong += 1;
    return fits;
  }

  paint() {
    const { seq, verified, bids, asks } = this.#book;
    const state = seq !== null ? 'verified' : this.#wrong ? 'broken' : 'waiting';
    this.#root.dataset.book = state;
    const wrong = this.#wrong ? `, ${this.#wrong} wrong` : '';
    const told = {
      verified: `${verified.toLocaleString('en')} checksums right${wrong}`,
      broken: 'checksum wrong: asking for the book again',
      waiting: 'waiting for the book',
    };
    write(this.#root.querySelector('.proof'), told[state]);
    if (state !== 'broken') this.#paintSides([bids.levels, asks.levels]);
  }

  #paintSides(sides) {
    const totals = sides.map((levels) => levels.map(((sum) => ({ size }) => (sum += Number(size)))(0)));
    const most = Math.max(...totals.map((sums) => sums.at(-1) ?? 0)) || 1;
    const decimals = Math.max(0, ...sides.flat().map(({ size }) => decimalsIn(size))); // of the whole column
    sides.forEach((levels, side) => {
      this.#rows[side].forEach((row, place) => {
        const level = levels[place];
        const sum = totals[side][place];
        const texts = level ? [grouped(level.price), grouped(level.size), grouped(sum.toFixed(decimals))] : ['', '', ''];
        texts.forEach((text, column) => write(row.cells[column], text));
        row.style.setProperty('--depth', level ? (sum / most).toFixed(3) : '0');
      });
    });
    write(this.#root.querySelector('.spread'), this.#spread(sides[0][0], sides[1][0]));
  }

  #spread(bid, ask) {
    if (!bid || !ask) return '–';
    const [low, high] = [Number(bid.price), Number(ask.price)];
    const points = ((high - low) / ((high + low) / 2)) * 1e4;
    return `${(high - low).toFixed(this.#decimals)} · ${points.toFixed(2)} bp`;
  }
}
