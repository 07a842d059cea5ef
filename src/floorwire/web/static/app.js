// The page: what the connection brings goes into the markets, and is painted once a frame.

import { Board } from './board.js';
import { Candles } from './candles.js';
import { Chart } from './chart.js';
import { Ladder } from './ladder.js';
import { useKey } from './signin.js';
import { Status } from './status.js';
import { Tape } from './tape.js';
import { decimalsOf, direction, grouped, percentOf, write } from './text.js';
import { Wire } from './wire.js';

const DEPTH = 25;
const MOST_MARKETS = 400; // a connection may ask 500 times a second
const MOST_CHARTED = 40; // beyond, only the selected one
const SPARK_INTERVAL = '1s'; // of the small lines in the list
const PAST_BARS = 500;
const LISTING_MS = 1000;
const FEEDS = { fresh: 'live', stale: 'stale', gap: 'stale' };
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 2 }).format;
const at = (id) => document.getElementById(id);

let markets = new Map(); // symbol -> {symbol, quote, venue, state, feed, tick, decimals, ticker, candles}
let selected = null;

// However much came since the last frame, it is painted once.
const due = new Set();
function paint(...parts) {
  if (due.size === 0) requestAnimationFrame(paintDue);
  for (const part of parts) due.add(part);
}
function paintDue() {
  const parts = [...due];
  due.clear();
  for (const part of parts) part.paint();
}

const url = new URL('ws', document.baseURI);
url.protocol = url.protocol.replace('http', 'ws');
const wire = new Wire(url, {
  state: (state) => status.wire(state),
  symbols: list,
  opened: ({ names }, { feed }) => setFeed(names.symbol, feed),
  event: (stream, event) => on[stream.names.channel](event, stream),
  back: ({ awayMs, recovered }) =>
    status.note(`back after ${(awayMs / 1000).toFixed(1)} s; ${recovered} missed messages brought after`),
  history: ({ names }, { candles }) => isCharted(names) && chart.past(candles),
  gap: tellGaps,
  hole(stream) {
    status.holes += 1;
    status.note(`${stream.key}: messages missing that were not announced; asking for them`);
  },
});
const status = new Status(wire.meter, () => wire.open());
const board = new Board(at('markets'), at('market'));
const ladder = new Ladder(at('book'));
const tape = new Tape(at('trades'));
const chart = new Chart(at('chart'), (reason) => status.note(`older candles: ${reason}`));
const hero = { paint: paintHero };

const on = {
  ticker(event) {
    const market = markets.get(event.symbol);
    market.ticker = event;
    if (market.feed === 'connecting') setFeed(event.symbol, 'live'); // it speaks
    board.change(event.symbol);
    paint(board, ...(event.symbol === selected ? [hero] : []));
  },
  candles(event, { names }) {
    if (names.interval === SPARK_INTERVAL) markets.get(event.symbol).candles.take(event);
    if (isCharted(names)) chart.take(event);
  },
  book(event, stream) {
    paint(ladder);
    if (ladder.take(event)) return;
    status.note(`${stream.key}: the checksum is wrong; asking for the book again`);
    wire.renew(stream);
  },
  trades(event) {
    tape.trade(event);
    paint(tape);
  },
  heartbeat() {}, // heard is enough
  system({ event, symbol, venue, reason }) {
    status.note(`${symbol ?? venue ?? 'the server'}: ${event}${reason ? ` (${reason})` : ''}`);
    // Halts of one symbol, of all and of a venue overlap: which markets are open now, the server tells.
    if (event === 'halted' || event === 'resumed') wire.askSymbols();
    for (const market of markets.values()) {
      if (!(event in FEEDS) || (symbol ? market.symbol !== symbol : market.venue !== venue)) continue;
      setFeed(market.symbol, FEEDS[event]);
    }
    paint(board);
  },
};

const isCharted = ({ symbol, interval }) => symbol === selected && interval === at('interval').value;

function tellGaps(gaps) {
  status.gaps += 1;
  const names = gaps.length > 2 ? `${gaps.length} streams` : gaps.map(([{ key }]) => key).join(', ');
  const { reason } = gaps[0][1];
  status.note(reason === 'epoch' ? `${names}: the server began a new history` : `${names}: gap (${reason})`);
  for (const [stream, { from, to }] of gaps) {
    if (stream.names.channel !== 'trades') continue;
    if (reason === 'feed') tape.gap('the feed changed: trades may be missing');
    else tape.gap(reason === 'epoch' ? 'a new history begins' : `${to - from + 1} trades are missing`);
    paint(tape);
  }
}

function setFeed(symbol, feed) {
  const market = markets.get(symbol);
  if (!market) return;
  market.feed = feed;
  board.change(symbol);
  if (symbol === selected) status.feed(feed);
}

function list(rows) {
  if (rows.length === 0) setTimeout(() => wire.askSymbols(), LISTING_MS); // the venue has not said yet
  // Where nothing can be traded comes last.
  rows = rows.toSorted((a, b) => (a.state !== 'open') - (b.state !== 'open'));
  markets = new Map(rows.slice(0, MOST_MARKETS).map((row) => [row.symbol, marketOf(row)]));
  at('halt').hidden = rows.length === 0 || rows.some(({ state }) => state === 'open');
  board.list([...markets.values()]);
  select(markets.has(selected) ? selected : fromHash());
}

function marketOf({ symbol, quote, venue, state, tick_size: tick }) {
  const market = markets.get(symbol) ?? { symbol, feed: 'connecting', ticker: null, candles: new Candles() };
  return Object.assign(market, { quote, venue, state, tick: Number(tick), decimals: decimalsOf(tick) });
}

function fromHash() {
  const symbol = decodeURIComponent(location.hash.slice(1));
  return markets.has(symbol) ? symbol : (markets.keys().next().value ?? null);
}

function select(symbol) {
  const market = markets.get(symbol) ?? null;
  if (symbol !== selected || symbol === null) {
    selected = symbol;
    ladder.show(market?.decimals);
    tape.clear();
    chart.show(market, at('interval').value);
  }
  status.feed(market?.feed ?? 'connecting');
  board.select(symbol);
  paint(board, hero, ladder, tape);
  wire.want(wanted());
}

function wanted() {
  const symbols = [...markets.keys()];
  const charted = symbols.length <= MOST_CHARTED ? symbols : [selected];
  return [
    ...symbols.map((symbol) => ({ channel: 'ticker', symbol })),
    ...charted.map((symbol) => ({ channel: 'candles', symbol, interval: SPARK_INTERVAL })),
    ...(selected
      ? [{ channel: 'candles', symbol: selected, interval: at('interval').value, history: PAST_BARS }]
      : []),
    ...(selected ? [{ channel: 'book', symbol: selected, depth: DEPTH }] : []),
    ...(selected ? [{ channel: 'trades', symbol: selected }] : []),
  ];
}

function paintHero() {
  const { ticker, quote, state } = markets.get(selected) ?? {};
  write(at('symbol'), selected ?? '');
  write(at('market-state'), !state || state === 'open' ? '' : state);
  for (const name of ['last', 'bid', 'ask', 'high', 'low']) write(at(name), grouped(ticker?.[name] ?? '–'));
  write(at('change'), ticker ? percentOf(ticker) : '');
  write(at('volume'), ticker?.quote_volume ? `${compact(ticker.quote_volume)} ${quote}` : '–');
  at('last').className = at('change').className = direction(0, Number(ticker?.change));
  document.title = ticker?.last ? `${grouped(ticker.last)} ${selected} · Floorwire` : 'Floorwire';
}

addEventListener('hashchange', () => select(fromHash()));
addEventListener('keydown', (event) => {
  const rows = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const isOurs = rows && selected && at('markets').contains(event.target); // elsewhere the keys scroll the page
  if (!isOurs || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const beside = board.beside(selected, rows);
  if (beside === selected) return;
  event.preventDefault();
  // Replaced, not pushed: going through the list should not fill the browser's history.
  history.replaceState(null, '', `#${beside}`);
  select(fromHash());
  board.focus(selected);
});
at('interval').addEventListener('change', ({ target }) => {
  chart.show(markets.get(selected) ?? null, target.value);
  wire.want(wanted());
});
at('signin').addEventListener('submit', (event) => {
  event.preventDefault();
  useKey(at('key').value.trim());
  event.target.reset();
  wire.open();
});
wire.open();
