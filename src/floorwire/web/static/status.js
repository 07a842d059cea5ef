// What the connection is, in one word, with the figures that prove it, and what was announced.

import { timeOf, write } from './text.js';

const WORDS = {
  connecting: ['Connecting', ''],
  live: ['Live', ''],
  stale: ['Stale', 'the venue is not heard'],
  silent: ['Silent', 'connected, but nothing is heard'],
  reconnecting: ['Reconnecting', 'now'],
  lost: ['Lost', ''],
  key: ['Key needed', ''],
};
const TELL_MS = 250;
const READ_MS = 1000;
const MOST_NOTES = 4;
const at = (id) => document.getElementById(id);
const milliseconds = (ms) => (ms === null ? '–' : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`);

export class Status {
  gaps = 0; // announced
  holes = 0; // not announced: there should never be one
  #wire = { name: 'connecting' };
  #feed = 'connecting';
  #readAt = performance.now();

  constructor(meter, retry) {
    at('retry').addEventListener('click', retry);
    setInterval(() => this.#tell(), TELL_MS);
    setInterval(() => this.#read(meter), READ_MS);
  }

  wire(state) {
    this.#wire = state;
    this.#tell();
  }

  feed(feed) {
    this.#feed = feed;
    this.#tell();
  }

  /** Write down what was announced, with the time. */
  note(text) {
    const note = document.createElement('li');
    note.textContent = `${timeOf(Date.now() * 1000)} ${text}`;
    at('notes').prepend(note);
    at('notes').children[MOST_NOTES]?.remove();
  }

  #tell() {
    const { name, until = 0, reason } = this.#wire;
    const state = name === 'open' ? this.#feed : name;
    const seconds = Math.ceil((until - performance.now()) / 1000);
    document.documentElement.dataset.state = state;
    write(at('state'), WORDS[state][0]);
    write(at('detail'), seconds > 0 ? `in ${seconds} s` : (reason ?? WORDS[state][1]));
    at('signin').hidden = state !== 'key';
    at('retry').hidden = state !== 'lost' && seconds <= 0;
  }

  #read(meter) {
    const now = performance.now();
    const { rate, delayMs, roundTripMs } = meter.read((now - this.#readAt) / 1000);
    this.#readAt = now;
    write(at('delay'), milliseconds(delayMs));
    write(at('round-trip'), milliseconds(roundTripMs));
    write(at('rate'), `${Math.round(rate)}/s`);
    write(at('gaps'), this.holes ? `${this.gaps} + ${this.holes} not announced` : `${this.gaps}`);
  }
}
