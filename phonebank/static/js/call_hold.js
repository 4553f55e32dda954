/* Renews the hold while the caller is at the page. If that fails, it warns the caller before the hold ends.

   A hold lasts a few minutes, and is renewed while the page is visible or the call has begun. Half a minute
   before the hold expires, the page shows a warning with one button. If the page opens with little time left,
   it first tries to renew, and warns only if that fails.

   The page renews over the caller's websocket ("line"), which is open anyway, because a request costs the
   server several times as much. A line may be dead without a sign, so the page sends a request if no answer
   comes. The page believes that the hold is lost only if a request says so. */

import { callIn, withFreshToken } from "./call_outbox.js";
import { csrfToken } from "./csrf.js";
import { ask, pauseMs } from "./our_answers.js";

const RENEW_EVERY_MS = 60_000;
const RENEW_AT_MOST_EVERY_MS = 5_000;
const WARN_BEFORE_MS = 30_000;
const ANSWER_WITHIN_MS = 10_000;
// With less time left than this, the page sends a request at once. If the page first waited for a dead line, the
// request might be too late.
const TIME_FOR_THE_LINE_MS = 45_000;
// The pause after the first failed renewal.
const TRY_AGAIN_AFTER_MS = 4000;

export class Hold {
  /* url: the address that renews. show(words, button): shows the warning, or hides it if the words are "".
     line: the result of `listen` in caller_line.js, or null. */
  constructor(url, secondsLeft, show, line = null) {
    this.url = url;
    this.show = show;
    this.line = line;
    this.begun = false; // the caller dialled or answered a step
    this.over = false;
    this.isAskingLine = false;
    this.failures = 0;
    this.endsAt = Date.now() + secondsLeft * 1000;
    this.renewAt = Date.now() + this.pauseMs();
    if (secondsLeft * 1000 < RENEW_EVERY_MS) this.renew();
    this.timer = setInterval(() => this.check(), 1000);
    this.wake = () => document.hidden || this.over || this.renew();
    document.addEventListener("visibilitychange", this.wake);
  }

  close() {
    this.over = true;
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.wake);
  }

  check() {
    const at = Date.now();
    if ((!document.hidden || this.begun) && at >= this.renewAt) this.renew();
    const warned = this.warned;
    this.warned = this.endsAt - at < WARN_BEFORE_MS;
    if (this.warned && !warned) {
      this.show("This person goes back to the list in less than 30 seconds.", "Keep");
    }
  }

  /* Returns the milliseconds until the next renewal. The renewal comes sooner if the hold has less time left. */
  pauseMs() {
    return Math.max(RENEW_AT_MOST_EVERY_MS, Math.min(RENEW_EVERY_MS, (this.endsAt - Date.now()) / 3));
  }

  async renew() {
    // While a renewal over the line waits for its response, a second renewal would only repeat it.
    if (this.isAskingLine) return;
    this.renewAt = Date.now() + this.pauseMs();
    const answer = (await this.renewOverLine()) || (await this.renewByRequest());
    if (this.over) return;
    if (!answer.verdict) return this.retryLater(answer.retryAfterMs);
    this.failures = 0;
    if (answer.verdict === "refused") return this.lose();
    const left = answer.secondsLeft;
    this.endsAt = Date.now() + left * 1000;
    this.renewAt = Date.now() + this.pauseMs();
    if (this.warned && left * 1000 >= WARN_BEFORE_MS) {
      this.warned = false;
      this.show("");
    } else if (this.warned) {
      this.show("You've had this call for as long as we allow. Please say how it ended.");
    }
  }

  /* Renews over the line. Returns { verdict, secondsLeft, retryAfterMs }, or null if the page must send a request
     instead. */
  async renewOverLine() {
    this.silence = false;
    if (!this.line || this.endsAt - Date.now() < TIME_FOR_THE_LINE_MS) return null;
    this.isAskingLine = true;
    const answer = await this.line.ask("renew", { call: callIn(this.url) }, ANSWER_WITHIN_MS);
    this.isAskingLine = false;
    this.silence = !answer;
    if (!answer) return null;
    if (answer.ok) return { verdict: "saved", secondsLeft: answer.seconds_left };
    // A busy server would answer a request in the same way.
    if (answer.error.status === 503) return { verdict: "", retryAfterMs: 1000 * (answer.error.retry_after || 0) };
    return null;
  }

  /* Renews by a request. `verdict` is "" if no response came, or if the response does not say whether the hold was
     renewed. */
  async renewByRequest() {
    const headers = () => ({ Accept: "application/json", "X-CSRFToken": csrfToken() });
    const post = () => ask(this.url, { method: "POST", headers: headers() }, ANSWER_WITHIN_MS);
    const answer = await withFreshToken(post).catch(() => null);
    if (!answer) return { verdict: "", retryAfterMs: 0 };
    // The server answered the request, and did not answer on the line, so the line is dead.
    if (answer.ours && this.silence) this.line.distrust();
    const verdict = answer.verdictOn(callIn(this.url));
    const secondsLeft = verdict === "saved" ? JSON.parse(answer.text).seconds_left : 0;
    return { verdict, secondsLeft, retryAfterMs: answer.retryAfterMs };
  }

  /* Plans the next try after a failed renewal. The pause is about four seconds at first, grows with each failure, and
     is at least what the server asked for. */
  retryLater(asked) {
    const wait = pauseMs(++this.failures, asked, TRY_AGAIN_AFTER_MS, this.pauseMs());
    this.renewAt = Date.now() + wait;
  }

  lose() {
    this.close();
    this.show(
      "This person has gone back to the list, because this page was out of sight or offline, or the call went on for too long. " +
        "If you're talking with them, carry on and say how it ended. We still save it.",
    );
  }
}
