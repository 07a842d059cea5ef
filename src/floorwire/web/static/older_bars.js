// Bars of the past from REST, in pages: one request is under way at most.
// While the server asks the exchange for what is missing, the same is asked for again.

import { request } from './signin.js';

const PAGE_BARS = 1000; // the most that the server gives at once
const GIVE_UP_MS = 60_000;
const FILLING_MS = 3000; // so long the exchange is given to tell more
const RETRY_MS = { first: 1000, most: 60_000 };
const isForGood = ({ status }) => status >= 400 && status < 500 && status !== 429;
const NOTHING = { rows: [], hasOlder: true };

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class OlderBars {
  #names = null; // {symbol, interval}
  #left = new AbortController(); // aborted when other bars are shown
  #isBusy = false;
  #failures = 0;
  #tell;

  /** @param tell what is told that the server refuses older bars, and why */
  constructor(tell) {
    this.#tell = tell;
  }

  /** Ask for the bars of this market and interval from now on. What is under way is dropped. */
  show(names) {
    this.#left.abort();
    this.#left = new AbortController();
    this.#names = names;
    this.#isBusy = false;
    this.#failures = 0;
  }

  /**
   * Return `{rows, hasOlder}`: up to `most` bars before a time (us), the oldest first, and whether there may be
   * more before them, and `isFilling`: whether the exchange is asked for more. null where a request is under way, or where other bars were shown meanwhile. After a
   * failure it returns no rows, as soon as it is time to ask again.
   */
  before(beforeUs, most) {
    return this.#page({ to: beforeUs, limit: Math.min(most, PAGE_BARS) });
  }

  /** Return the same for the bars from one time to before another: they are asked for again. */
  between(fromUs, toUs) {
    return this.#page({ from: fromUs, to: toUs, limit: PAGE_BARS });
  }

  async #page(time) {
    if (this.#isBusy || this.#names === null) return null;
    const { signal } = this.#left;
    this.#isBusy = true;
    const page = await this.#read({ ...this.#names, ...time }, signal);
    if (signal.aborted) return null;
    if (page.waitMs) await pause(page.waitMs);
    if (signal.aborted) return null;
    this.#isBusy = false;
    return page;
  }

  async #read(query, left) {
    const path = `api/v1/candles?${new URLSearchParams(query)}`;
    try {
      const signal = AbortSignal.any([left, AbortSignal.timeout(GIVE_UP_MS)]);
      const answer = await request(path, { signal });
      const told = await answer.json();
      if (answer.ok) {
        this.#failures = 0;
        const isFilling = told.filling === true;
        const page = { rows: told.candles, hasOlder: told.next !== undefined, isFilling };
        return isFilling && !page.hasOlder ? { ...page, hasOlder: true, waitMs: FILLING_MS } : page;
      }
      if (isForGood(answer)) {
        this.#tell(told.message);
        return { rows: [], hasOlder: false };
      }
      return { ...NOTHING, waitMs: this.#waitMs(1000 * Number(answer.headers.get('retry-after'))) };
    } catch {
      return { ...NOTHING, waitMs: this.#waitMs(0) }; // nobody answered, or something that is not ours
    }
  }

  #waitMs(leastMs) {
    const waitMs = Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** this.#failures);
    this.#failures += 1;
    return Math.max(leastMs, waitMs);
  }
}
