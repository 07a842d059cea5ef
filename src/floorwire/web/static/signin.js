// How the page signs its connections in. On the machine that the gateway runs on, where nobody has made a key
// yet, it gets a ticket for the demo account by itself. Elsewhere it is a guest until a person types a key.
//
// The key is kept in this variable and nowhere else: what is in the browser's storage can be read by whoever
// uses the machine next, and by any script that gets into a page of this origin. A reload forgets it.

const GIVE_UP_MS = 2000;
const REFUSED = new Set([401, 403, 429]);
let key = null;

/** Sign in with this from the next connection on: KEY.SECRET, or a token. */
export function useKey(text) {
  key = text;
}

/** Send a request to REST, as the one who is signed in. */
export function request(path, options) {
  const headers = key === null ? {} : { authorization: `Bearer ${key}` };
  return fetch(new URL(path, document.baseURI), { ...options, headers });
}

/**
 * Return where to connect: `{url}`. A ticket is good for one connection, so each asks for its own.
 * `{refused}`: the key is not good, and why. `{}`: nobody answered, so that the key could not be shown.
 */
export async function ticketed(url) {
  const guest = key === null ? { url } : {}; // with a key nobody wants to come in without it
  try {
    const answer = await request('api/v1/tickets', {
      method: 'POST',
      signal: AbortSignal.timeout(GIVE_UP_MS),
    });
    if (answer.status === 201) {
      const { ticket } = await answer.json();
      const signed = new URL(url);
      signed.searchParams.set('ticket', ticket);
      return { url: signed };
    }
    if (key === null || !REFUSED.has(answer.status)) return guest;
    const { message } = await answer.json();
    return { refused: message };
  } catch {
    return guest; // the connection itself will tell that nobody is there
  }
}
