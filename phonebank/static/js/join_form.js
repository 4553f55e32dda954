/* Sends the join form, and tries again when something other than Phonebank answers: a Wi-Fi log-in page,
   or a proxy while the server restarts. Without this module the browser sends the form. */

import { csrfToken, setToken } from "./csrf.js";
import { buttonOf, fieldsOf } from "./forms.js";
import { ask, canAsk, pauseMs } from "./our_answers.js";

const ANSWER_WITHIN_MS = 15000;
const OFFLINE = "You're offline. Keep this page open. It tries again automatically.";
const FOREIGN_ANSWER =
  "We can't reach Phonebank. Perhaps this Wi-Fi wants you to log in. Keep this page open. It tries again automatically.";
const RESTARTING = "We'll be back in a moment. Keep this page open. It tries again automatically.";

let timer;
let asking = false;

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-join]")) return;
  canAsk();
  const fields = fieldsOf(form, buttonOf(event));
  const body = new URLSearchParams(fields.filter(([name]) => name !== "csrf_token"));
  event.preventDefault();
  send(form, body, 0);
});

/* Sends the form and returns the answer. If the page's token is too old, it sends the form once more
   with a fresh one. */
async function postForm(form, body) {
  const post = () => {
    const headers = { Accept: "text/html", "X-Phonebank-Screen": "1", "X-CSRFToken": csrfToken() };
    return ask(form.action, { method: "POST", body, headers }, ANSWER_WITHIN_MS);
  };
  const answer = await post();
  if (!answer.stale) return answer;
  const fresh = await ask(form.action, { headers: { Accept: "text/html" } }, ANSWER_WITHIN_MS);
  const meta = fresh.ok && parse(fresh.text).querySelector('meta[name="csrf"]');
  if (!meta) return answer;
  setToken(meta.content);
  return post();
}

async function send(form, body, failures) {
  if (asking) return;
  clearTimeout(timer);
  asking = true;
  form.setAttribute("aria-busy", "true");
  const answer = await postForm(form, body).catch(() => null);
  asking = false;
  if (!answer || !answer.ours || answer.status >= 500) {
    showBanner(answer === null ? OFFLINE : answer.ours ? RESTARTING : FOREIGN_ANSWER);
    const wait = pauseMs(failures + 1, answer ? answer.retryAfterMs : 0);
    timer = setTimeout(() => send(form, body, failures + 1), wait);
    return;
  }
  showBanner("");
  form.removeAttribute("aria-busy");
  if (answer.goTo) return location.assign(answer.goTo);
  draw(parse(answer.text));
}

const parse = (html) => new DOMParser().parseFromString(html, "text/html");

/* Draws the form with its errors, or the page that says why joining is not possible. */
function draw(next) {
  const main = next.getElementById("main");
  if (!main) return location.reload();
  const meta = next.querySelector('meta[name="csrf"]');
  document.getElementById("main").replaceWith(main);
  document.title = next.title;
  if (meta) setToken(meta.content);
  const first = main.querySelector("[role=alert], h1");
  if (first) {
    first.tabIndex = -1;
    first.focus();
  }
}

function showBanner(words) {
  document.querySelector("[data-line-down]").textContent = words;
}
