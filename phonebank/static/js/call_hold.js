/* Keeps the person on this screen while somebody is here, and says so in time when it cannot.

   The server lends a person for minutes. While the page is looked at, or the call has begun, the
   loan is renewed; half a minute before its end there is a warning with one button. A page that
   opens late, with little or nothing left, asks for more first and warns only if it gets none. */

import { csrfToken } from "./csrf.js";

const RENEW_EVERY_MS = 60_000;
const RENEW_AT_MOST_EVERY_MS = 5_000;
const WARN_BEFORE_MS = 30_000;

export class Hold {
  /* url: where to renew. show(words, button): the warning; "" takes it away. */
  constructor(url, secondsLeft, show) {
    this.url = url;
    this.show = show;
    this.begun = false; // the call: dialled, or a first answer
    this.over = false;
    this.renewedAt = Date.now();
    this.endsAt = this.renewedAt + secondsLeft * 1000;
    if (secondsLeft * 1000 < RENEW_EVERY_MS) this.renew();
    this.timer = setInterval(() => this.look(), 1000);
    this.wake = () => document.hidden || this.over || this.renew();
    document.addEventListener("visibilitychange", this.wake);
  }

  close() {
    this.over = true;
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.wake);
  }

  look() {
    const at = Date.now();
    // The less there is left, the sooner, where an answer was lost; but never in a rush.
    const every = Math.max(RENEW_AT_MOST_EVERY_MS, Math.min(RENEW_EVERY_MS, (this.endsAt - at) / 3));
    if ((!document.hidden || this.begun) && at - this.renewedAt >= every) this.renew();
    const warned = this.warned;
    this.warned = this.endsAt - at < WARN_BEFORE_MS;
    if (this.warned && !warned) {
      this.show("This person goes back to the list in half a minute.", "Keep");
    }
  }

  async renew() {
    this.renewedAt = Date.now();
    const response = await fetch(this.url, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": csrfToken() },
      signal: AbortSignal.timeout(10_000),
    }).catch(() => null);
    if (response === null || this.over) return;
    if (response.status === 404) return this.lost();
    if (!response.ok) return;
    const { seconds_left: left } = await response.json();
    this.endsAt = Date.now() + left * 1000;
    if (this.warned && left * 1000 >= WARN_BEFORE_MS) {
      this.warned = false;
      this.show("");
    } else if (this.warned) {
      this.show("You have had this call for as long as anybody may. Please say how it ended.");
    }
  }

  lost() {
    this.close();
    this.show(
      "This person has gone back to the list, because this screen was away for too long. " +
        "If you are talking with them, carry on and say how it ended: it is saved all the same.",
    );
  }
}
