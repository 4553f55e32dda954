/* Renews the hold while the caller is here, and warns in time when it cannot.

   A hold lasts minutes, and is renewed while the page is in sight or the call has begun. Half a minute
   before it expires there is a warning with one button. A page that opens late, with little or nothing
   left, asks for more first and warns only if it gets none.

   The page renews over the caller's line, which is open anyway, because a request costs the server several
   times as much. A line may be dead without a sign, so the page sends a request if no answer comes. Only the
   answer to a request says that a hold is lost. */

import { callIn, withFreshToken } from "./call_outbox.js";
import { csrfToken } from "./csrf.js";
import { ask, pauseMs } from "./our_answers.js";

const RENEW_EVERY_MS = 60_000;
const RENEW_AT_MOST_EVERY_MS = 5_000;
const WARN_BEFORE_MS = 30_000;
const ANSWER_WITHIN_MS = 10_000;
// With less time left than this, a request that follows a dead line might come too late.
const TIME_FOR_THE_LINE_MS = 45_000;
// The first pause after a renewal that Phonebank did not answer.
const TRY_AGAIN_AFTER_MS = 4000;

export class Hold {
  /* url: the address that renews. show(words, button): shows the warning; "" takes it away. line: what
     caller_line.js listens on, or null. */
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
      this.show("This person goes back to the list in 30 seconds.", "Keep");
    }
  }

  /* The less time is left, the sooner the next renewal. */
  pauseMs() {
    return Math.max(RENEW_AT_MOST_EVERY_MS, Math.min(RENEW_EVERY_MS, (this.endsAt - Date.now()) / 3));
  }

  async renew() {
    // Until the line has answered or stayed silent, a second renewal would only repeat the first.
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

  /* { verdict, secondsLeft, retryAfterMs }, or null if only a request can settle it. */
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

  /* The same as a request. `verdict` is "" if no answer came, or none of Phonebank's that settles it. */
  async renewByRequest() {
    const headers = () => ({ Accept: "application/json", "X-CSRFToken": csrfToken() });
    const post = () => ask(this.url, { method: "POST", headers: headers() }, ANSWER_WITHIN_MS);
    const answer = await withFreshToken(post).catch(() => null);
    if (!answer) return { verdict: "", retryAfterMs: 0 };
    // Requests get through, so it is the line that is dead.
    if (answer.ours && this.silence) this.line.distrust();
    const verdict = answer.verdictOn(callIn(this.url));
    const secondsLeft = verdict === "saved" ? JSON.parse(answer.text).seconds_left : 0;
    return { verdict, secondsLeft, retryAfterMs: answer.retryAfterMs };
  }

  /* No answer came, or none that settles it. The next try comes sooner than the next renewal would. */
  retryLater(asked) {
    const wait = pauseMs(++this.failures, asked, TRY_AGAIN_AFTER_MS, this.pauseMs());
    this.renewAt = Date.now() + wait;
  }

  lose() {
    this.close();
    this.show(
      "This person has gone back to the list, because this page was out of sight or the call went on for too long. " +
        "If you're talking with them, carry on and say how it ended. We still save it.",
    );
  }
}
