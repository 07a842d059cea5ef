// How fast and how fresh: messages a second, delay since the server published, round trip.

const PONGS = 10;
const SAMPLES = 200;

/** Microseconds since the epoch, finer than Date.now(). */
export const nowUs = () => (performance.timeOrigin + performance.now()) * 1000;

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

export class Meter {
  #messages = 0;
  #delaysUs = [];
  #pongs = []; // {roundTripUs, aheadUs: server's clock minus ours}, the latest last

  message() {
    this.#messages += 1;
  }

  /** Note a fresh event. */
  event(sentUs) {
    if (this.#delaysUs.length < SAMPLES) this.#delaysUs.push(nowUs() - sentUs);
  }

  pong(askedUs, serverUs) {
    const answeredUs = nowUs();
    this.#pongs.push({ roundTripUs: answeredUs - askedUs, aheadUs: serverUs - (askedUs + answeredUs) / 2 });
    if (this.#pongs.length > PONGS) this.#pongs.shift();
  }

  /** Return the figures since the last reading; null where there is nothing to tell. */
  read(seconds) {
    // The quickest answer tells the most of the clocks: it was held up the least on its way.
    const best = this.#pongs.reduce((a, b) => (a && a.roundTripUs <= b.roundTripUs ? a : b), null);
    const delayUs = this.#delaysUs.length ? median(this.#delaysUs) + (best?.aheadUs ?? 0) : null;
    const figures = {
      rate: this.#messages / seconds,
      delayMs: delayUs === null ? null : Math.max(0, delayUs / 1000),
      roundTripMs: this.#pongs.length ? this.#pongs.at(-1).roundTripUs / 1000 : null,
    };
    this.#messages = 0;
    this.#delaysUs = [];
    return figures;
  }
}
