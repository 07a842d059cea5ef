// The order book, rebuilt from a snapshot and updates, and proved by its checksum. Pure.

const CHECKSUM_LEVELS = 10;
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit += 1) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte >>> 0;
});

/** CRC32 (IEEE) of ASCII text, as zlib's. */
export function crc32(text) {
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i += 1) crc = CRC_TABLE[(crc ^ text.charCodeAt(i)) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** One side, best first. `sign` is 1 for asks (cheapest first), -1 for bids. */
class Side {
  constructor(sign) {
    this.sign = sign;
    this.levels = []; // {price, size: as on the wire; rank: sign * price, for order alone}
  }

  replace(levels) {
    this.levels = levels.map(([price, size]) => ({ price, size, rank: this.sign * price }));
  }

  set([price, size]) {
    const rank = this.sign * price;
    let place = this.levels.findIndex((level) => level.rank >= rank);
    if (place < 0) place = this.levels.length;
    const isKnown = this.levels[place]?.price === price;
    if (size === '0') this.levels.splice(place, isKnown ? 1 : 0);
    else this.levels.splice(place, isKnown ? 1 : 0, { price, size, rank });
  }
}

export class Book {
  constructor() {
    this.bids = new Side(-1);
    this.asks = new Side(1);
    this.seq = null; // null: unknown until a snapshot comes
    this.verified = 0;
  }

  /** Take in a message. Return false where it does not fit: the book is then unknown until a snapshot. */
  take(message) {
    if (message.type === 'snapshot') {
      this.bids.replace(message.bids);
      this.asks.replace(message.asks);
    } else {
      if (this.seq === null || message.prev !== this.seq) return this.#broken();
      for (const level of message.bids) this.bids.set(level);
      for (const level of message.asks) this.asks.set(level);
    }
    if (this.checksum() !== message.checksum) return this.#broken();
    this.seq = message.seq;
    this.verified += 1;
    return true;
  }

  #broken() {
    this.seq = null;
    return false;
  }

  checksum() {
    const top = [this.bids, this.asks].flatMap((side) => side.levels.slice(0, CHECKSUM_LEVELS));
    return crc32(top.map(({ price, size }) => `${price}:${size}`).join('|'));
  }
}
