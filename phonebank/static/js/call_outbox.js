/* What was tapped and not yet acknowledged. Nothing is lost through a dead spot and nothing doubled:
   every address names its call, so the server takes a repeat for what it is.

   Kept in sessionStorage, which outlives a reload and a tab that the phone threw away, and goes with
   the tab. Sent one after another, in order, again and again until there is an answer. */

import { csrfToken } from "./csrf.js";

const KEY = "phonebank.outbox";
const WAITS_MS = [1000, 2000, 4000, 8000, 15000];
const ANSWER_WITHIN_MS = 15000;
const TRIES_AT_A_FAULT = 4;

export class Outbox {
  /* answered(entry, response): the server has it, or will never take it. down(entries, reached), up():
     `reached` says whether a server answered at all. */
  constructor({ answered, down, up }) {
    this.entries = JSON.parse(sessionStorage.getItem(KEY) || "[]");
    this.answered = answered;
    this.down = down;
    this.up = up;
    this.failures = 0;
    this.sending = false;
    for (const event of ["online", "pageshow"]) addEventListener(event, () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    addEventListener("beforeunload", (event) => this.entries.length && event.preventDefault());
  }

  /* entry: { kind: "answer" or "screen", url, fields: [[name, value], …], call, … } */
  add(entry) {
    this.entries.push(entry);
    this.keep();
    this.send();
  }

  has(test) {
    return this.entries.some(test);
  }

  hurry() {
    if (!this.sending) this.send();
  }

  keep() {
    if (this.entries.length) sessionStorage.setItem(KEY, JSON.stringify(this.entries));
    else sessionStorage.removeItem(KEY);
  }

  async send() {
    clearTimeout(this.timer);
    if (this.sending || !this.entries.length) return;
    this.sending = true;
    const entry = this.entries[0];
    const response = await post(entry).catch(() => null);
    this.sending = false;
    if (response === null || this.isToBeRepeated(entry, response)) return this.later(response !== null);
    this.entries.shift();
    this.keep();
    this.failures = 0;
    this.up();
    await this.answered(entry, response);
    this.send();
  }

  isToBeRepeated(entry, response) {
    if (response.status === 400 && !entry.reloaded) {
      // The page's token has grown too old. A fresh page has a fresh one, and the same outbox.
      entry.reloaded = true;
      this.keep();
      this.entries = [];
      location.reload();
      return true;
    }
    if (response.status === 500) return ++this.failures < TRIES_AT_A_FAULT;
    return response.status > 500 || response.status === 429;
  }

  later(reached) {
    if (!this.entries.length) return;
    this.down(this.entries, reached);
    const wait = WAITS_MS[Math.min(this.failures++, WAITS_MS.length - 1)];
    this.timer = setTimeout(() => this.send(), wait * (0.75 + Math.random() / 2));
  }
}

function post({ kind, url, fields }) {
  return fetch(url, {
    method: "POST",
    body: new URLSearchParams(fields),
    headers: {
      Accept: kind === "answer" ? "application/json" : "text/html",
      "X-CSRFToken": csrfToken(),
      ...(kind === "answer" ? {} : { "X-Phonebank-Screen": "1" }),
    },
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
}
