// How things are written, and how text gets into the page.

/** '64249.5' -> '64,249.5'; works on the text, so that no digit changes. */
export const grouped = (decimal) => decimal.replace(/\B(?<!\..*)(?=(\d{3})+(?!\d))/g, ',');

/** How many decimals a number is written with. */
export const decimalsIn = (text) => (text.split('.')[1] ?? '').length;

/** How many decimals a step such as '0.05' has. */
export const decimalsOf = (step) => (step.split('.')[1] ?? '').replace(/0+$/, '').length;

/** '+0.42 %' of a ticker's change since its open; no sign for 0.00 %; '' where nothing was traded. */
export const percentOf = ({ change, open }) => {
  if (change === null || !Number(open)) return '';
  const percent = (change / open) * 100;
  const shown = Math.abs(percent).toFixed(2);
  const sign = Number(shown) === 0 ? '' : percent < 0 ? '−' : '+';
  return `${sign}${shown} %`;
};

const clock = new Intl.DateTimeFormat('en', { hourCycle: 'h23', timeStyle: 'medium' });

/** Microseconds since the epoch as local time of day. */
export const timeOf = (us) => clock.format(us / 1000);

/** Write text where it differs: the browser lays out only what changed. */
export const write = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/** 'up', 'down' or '' (no news). */
export const direction = (before, after) => (after > before ? 'up' : after < before ? 'down' : '');

export function element(tag, attributes = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
