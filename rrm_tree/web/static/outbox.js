// Answers on their way: kept in this browser until the server has them, sent one after the other.

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5_000;

export class Outbox {
  // name: of this person in this run. send: gives a promise of what the server says.
  constructor(name, send, { changed, sent, refused }) {
    // No name holds a line's end: no person's answers are taken for those of another whose name begins alike.
    this.prefix = `${name}\n`;
    this.send = send;
    this.told = { changed, sent, refused };
    this.wait = FIRST_WAIT_MS;
    this.going = null;
    this.timer = 0;
  }

  // Each answer under its own name: two tabs must not write over each other's.
  keys() {
    return Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
  }

  get size() {
    return this.keys().length;
  }

  has(id) {
    return localStorage.getItem(this.prefix + id) !== null;
  }

  put(entry) {
    localStorage.setItem(this.prefix + entry.id, JSON.stringify({ at: Date.now(), entry }));
    this.told.changed(this.size, "");
  }

  drop(id) {
    localStorage.removeItem(this.prefix + id);
    this.told.changed(this.size, "");
  }

  // Resolves when what was on its way has come to an end, well or not.
  async settle() {
    clearTimeout(this.timer);
    await this.flush();
  }

  flush() {
    clearTimeout(this.timer);
    this.going ??= this.sendAll().finally(() => { this.going = null; });
    return this.going;
  }

  async sendAll() {
    for (;;) {
      const waiting = this.keys().map((key) => [key, localStorage.getItem(key)]).filter(([, text]) => text !== null)
        .sort(([, one], [, other]) => JSON.parse(one).at - JSON.parse(other).at);
      if (!waiting.length) break;
      const [key, text] = waiting[0];
      const { entry } = JSON.parse(text);
      try {
        const kept = await this.send(entry);
        this.remove(key, text);
        this.wait = FIRST_WAIT_MS;
        this.told.sent(entry, kept);
      } catch (error) {
        // What the server will never take is not sent for ever.
        if ([400, 404, 413, 422].includes(error.status)) {
          this.remove(key, text);
          this.told.refused(entry, error);
          continue;
        }
        this.again(error);
        return;
      }
    }
    this.told.changed(this.size, "");
  }

  remove(key, text) {
    // Answered anew meanwhile: that one is still to be sent.
    if (localStorage.getItem(key) === text) localStorage.removeItem(key);
  }

  again(error) {
    const words = { 401: "open your link again", 403: "load the page again", 429: "the server is busy" };
    this.told.changed(this.size, words[error.status] || "the server is away");
    this.timer = setTimeout(() => this.flush(), this.wait);
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT_MS);
  }
}
