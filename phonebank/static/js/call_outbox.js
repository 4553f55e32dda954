/* What was tapped and not yet settled. Nothing is lost through a dead spot and nothing doubled: every
   address names its call, so the server takes a repeat for what it is.

   An entry leaves only when Phonebank itself said yes, or no with a reason, about that entry's call.
   Whatever else comes back, from us or from anybody, the entry is kept and sent again, after pauses
   that grow. No number of failures throws anything away.

   Kept in sessionStorage, which outlives a reload and a tab that the phone threw away, and goes with
   the tab. Sent one after another, in order. */

import { csrfToken, setToken } from "./csrf.js";
import { ask, canAsk, pauseMs } from "./our_answers.js";

const KEY = "phonebank.outbox";
const ANSWER_WITHIN_MS = 15000;
// Gives a fresh form token, in JSON, to the caller of this device.
const TOKEN_URL = "/calling";

/* The call that an address is about, or "". */
export function callIn(url) {
  const found = /\/person\/([0-9a-f-]{36})\//.exec(url);
  return found ? found[1] : "";
}

/* Whether something waits that an earlier page of this tab left. */
export const somethingWaits = () => kept().length > 0;

export class Outbox {
  /* answered(entry, answer, verdict): "saved" or "refused", for good. down(entries, answer): kept, and
     tried again; `answer` is null where nobody answered. up(): we are reached. */
  constructor({ answered, down, up }) {
    this.entries = kept();
    this.answered = answered;
    this.down = down;
    this.up = up;
    this.failures = 0;
    this.notBefore = 0;
    this.sending = false;
    for (const event of ["online", "pageshow"]) addEventListener(event, () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    addEventListener("beforeunload", (event) => {
      if (!this.entries.length) return;
      event.preventDefault();
      event.returnValue = "";
    });
  }

  /* entry: { kind: "answer" or "screen", url, fields: [[name, value], …], … }; the url names a call.
     Raises, and takes nothing, in a browser that could not send it. */
  add(entry) {
    canAsk();
    sendable(entry);
    this.entries.push(entry);
    this.keep();
    this.send();
  }

  has(test) {
    return this.entries.some(test);
  }

  /* Somebody is here, or the network is back: do not sit out the pause, unless the server asked for it. */
  hurry() {
    if (!this.sending && Date.now() >= this.notBefore) this.send();
  }

  keep() {
    try {
      if (this.entries.length) sessionStorage.setItem(KEY, JSON.stringify(this.entries));
      else sessionStorage.removeItem(KEY);
    } catch (error) {
      // No storage, or no room in it: kept by the page alone.
    }
  }

  async send() {
    clearTimeout(this.timer);
    if (this.sending || !this.entries.length) return;
    this.sending = true;
    const entry = this.entries[0];
    const answer = await withFreshToken(() => post(entry)).catch(() => null);
    this.sending = false;
    const verdict = answer && answer.verdictOn(callIn(entry.url));
    if (!verdict) return this.later(answer);
    this.entries.shift();
    this.keep();
    this.failures = 0;
    this.notBefore = 0;
    this.up();
    try {
      await this.answered(entry, answer, verdict);
    } finally {
      this.send();
    }
  }

  later(answer) {
    const asked = answer ? answer.retryAfterMs : 0;
    const wait = pauseMs(++this.failures, asked);
    if (asked) this.notBefore = Date.now() + wait;
    this.timer = setTimeout(() => this.send(), wait);
    this.down(this.entries, answer);
  }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) || "[]");
  } catch (error) {
    return [];
  }
}

/* What `post` gets; once more, with a fresh token, where the page's has grown too old. */
export async function withFreshToken(post) {
  const answer = await post();
  if (!answer.stale) return answer;
  const fresh = await ask(TOKEN_URL, { headers: { Accept: "application/json" } }, ANSWER_WITHIN_MS);
  if (!fresh.ok) return fresh;
  setToken(JSON.parse(fresh.text).csrf_token);
  return post();
}

const post = (entry) => ask(entry.url, sendable(entry), ANSWER_WITHIN_MS);

function sendable({ kind, fields }) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  if (kind === "screen") Object.assign(headers, { Accept: "text/html", "X-Phonebank-Screen": "1" });
  return { method: "POST", body: new URLSearchParams(fields), headers };
}
