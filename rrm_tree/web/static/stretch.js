// How long somebody has judged without a rest: when a pause is advised.

const PAUSE_AFTER_MS = 25 * 60_000;
const PAUSE_AFTER_ANSWERS = 150;
const REST_MS = 5 * 60_000;

export class Stretch {
  constructor() {
    this.answeredAt = Date.now();
    this.begin();
  }

  begin() {
    this.since = Date.now();
    this.answers = 0;
  }

  // One answer more: the words that advise a pause, or none.
  note() {
    const now = Date.now();
    // Whoever had nothing to judge for a while, or was away, has rested.
    if (now - this.answeredAt > REST_MS) this.begin();
    this.answeredAt = now;
    this.answers += 1;
    const minutes = Math.round((now - this.since) / 60_000);
    if (this.answers < PAUSE_AFTER_ANSWERS && minutes * 60_000 < PAUSE_AFTER_MS) return "";
    const words = `${this.answers} answers in ${minutes || 1} minute${minutes > 1 ? "s" : ""}. A pause helps you to stay right: p.`;
    this.begin();
    return words;
  }
}
