/* The outbox keeps what the caller tapped until the server has accepted or refused it. Every address has the id of
   its call, so the server recognises a repeated request. Nothing is lost or stored twice.

   The outbox drops an entry only when Phonebank itself accepts it, or refuses it with a reason. After
   any other answer the outbox sends the entry again, after pauses that grow. No number of failures
   discards an entry.

   sessionStorage has the entries: it survives a reload and a tab that the phone discards, and ends with
   the tab. The outbox sends the entries one after another, in order. */

import { csrfToken, setToken } from "./csrf.js";
import { ask, canAsk, pauseMs } from "./our_answers.js";

const KEY = "phonebank.outbox";
const ANSWER_WITHIN_MS = 15000;
// For the caller of this device, the JSON from this address has a fresh form token.
const TOKEN_URL = "/calling";

/* Returns the id of the call that is in an address, or "". */
export function callIn(url) {
  const found = /\/person\/([0-9a-f-]{36})\//.exec(url);
  return found ? found[1] : "";
}

/* Whether an earlier page of this tab left entries that were not sent. */
export const hasEntriesWaiting = () => loadEntries().length > 0;

export class Outbox {
  /* The handlers: answered(entry, answer, verdict) is called when an entry is settled, as "saved" or
     "refused". down(entries, answer) is called when a try failed; `answer` is null if none came. up() is
     called when Phonebank answered. heldScripts() returns the header's list of the scripts that the page has,
     or "". */
  constructor({ answered, down, up, heldScripts = () => "" }) {
    this.entries = loadEntries();
    this.answered = answered;
    this.down = down;
    this.up = up;
    this.heldScripts = heldScripts;
    this.failures = 0;
    this.notBefore = 0;
    this.sending = false;
    for (const event of ["online", "pageshow"]) addEventListener(event, () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    addEventListener("beforeunload", (event) => {
      if (!this.unsaved().length) return;
      event.preventDefault();
      event.returnValue = "";
    });
  }

  /* entry: { kind: "answer" or "screen", url, fields: [[name, value], …], … }; the url names a call.
     In a browser that cannot send the entry, throws an error and adds nothing. */
  add(entry) {
    canAsk();
    requestFor(entry);
    this.entries.push(entry);
    this.store();
    this.send();
  }

  has(test) {
    return this.entries.some(test);
  }

  /* Sends at once, because the caller has come back to the page or the network is back. But if the server asked for a
     pause, waits until the pause is over. */
  hurry() {
    if (!this.sending && Date.now() >= this.notBefore) this.send();
  }

  /* Returns the entries to store. An entry with isSaved is left out, because its outcome is saved. It is sent again
     only to get the next contact, and a new page need not do that. */
  unsaved() {
    return this.entries.filter(({ isSaved }) => !isSaved);
  }

  store() {
    const unsaved = this.unsaved();
    try {
      if (unsaved.length) sessionStorage.setItem(KEY, JSON.stringify(unsaved));
      else sessionStorage.removeItem(KEY);
    } catch (error) {
      // No storage, or no room in it: only the page has the entries.
    }
  }

  async send() {
    clearTimeout(this.timer);
    if (this.sending || !this.entries.length) return;
    this.sending = true;
    const entry = this.entries[0];
    const post = () => ask(entry.url, requestFor(entry, this.heldScripts()), ANSWER_WITHIN_MS);
    const answer = await withFreshToken(post).catch(() => null);
    this.sending = false;
    const verdict = answer && answer.verdictOn(callIn(entry.url));
    if (!verdict) return this.retryLater(answer);
    this.entries.shift();
    this.store();
    this.failures = 0;
    this.notBefore = 0;
    this.up();
    try {
      await this.answered(entry, answer, verdict);
    } finally {
      this.send();
    }
  }

  retryLater(answer) {
    const asked = answer ? answer.retryAfterMs : 0;
    const wait = pauseMs(++this.failures, asked);
    if (asked) this.notBefore = Date.now() + wait;
    this.timer = setTimeout(() => this.send(), wait);
    this.down(this.entries, answer);
  }
}

function loadEntries() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) || "[]");
  } catch (error) {
    return [];
  }
}

/* Calls `post` and returns the response. If the page's token is too old, gets a fresh token and calls `post` once
   more. */
export async function withFreshToken(post) {
  const answer = await post();
  if (!answer.stale) return answer;
  const fresh = await ask(TOKEN_URL, { headers: { Accept: "application/json" } }, ANSWER_WITHIN_MS);
  if (!fresh.ok) return fresh;
  setToken(JSON.parse(fresh.text).csrf_token);
  return post();
}

/* Returns the options for `ask`. If the page has no script key, the header has "1", which asks for a whole page. */
function requestFor({ kind, fields }, scripts) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  if (kind === "screen") Object.assign(headers, { Accept: "text/html", "X-Phonebank-Screen": scripts || "1" });
  return { method: "POST", body: new URLSearchParams(fields), headers };
}
