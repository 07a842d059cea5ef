// How the page signs its connection in. On the machine that the gateway runs on, where nobody has made a key
// yet, it gets a ticket for the demo account by itself; everywhere else it is a guest.

const GIVE_UP_MS = 2000;

/** Where to connect: a ticket is good for one connection, so each asks for its own. */
export async function ticketed(url) {
  try {
    const tickets = new URL('api/v1/tickets', document.baseURI);
    const answer = await fetch(tickets, { method: 'POST', signal: AbortSignal.timeout(GIVE_UP_MS) });
    if (answer.status !== 201) return url;
    const { ticket } = await answer.json();
    const signed = new URL(url);
    signed.searchParams.set('ticket', ticket);
    return signed;
  } catch {
    return url; // the connection itself will tell that nobody is there
  }
}
