// The last trades, the newest on top; what was announced as missing stands in its place.

import { element, grouped, timeOf, write } from './text.js';

const MOST = 60;
const NOTHING = { side: '', cells: ['', '', ''] };
const WAITING = { side: 'note', cells: ['waiting for the next trade', '', ''] };

export class Tape {
  #entries = []; // {side, cells}
  #rows;

  constructor(body) {
    // Rows stay where they are and their text moves: a row put in on top would push all others each time.
    this.#rows = Array.from({ length: MOST }, () => element('tr', {}, [1, 2, 3].map(() => element('td'))));
    body.append(...this.#rows);
  }

  clear() {
    this.#entries = [];
  }

  trade({ price, size, side, ts }) {
    this.#add({ side, cells: [grouped(price), grouped(size), timeOf(ts)] });
  }

  gap(text) {
    this.#add({ side: 'note gap', cells: [text, '', ''] });
  }

  #add(entry) {
    this.#entries.unshift(entry);
    if (this.#entries.length > MOST) this.#entries.pop();
  }

  paint() {
    this.#rows.forEach((row, place) => {
      const { side, cells } = this.#entries[place] ?? (this.#entries.length + place ? NOTHING : WAITING);
      if (row.className !== side) row.className = side;
      cells.forEach((text, column) => write(row.cells[column], text));
    });
  }
}
