/* Follows a caller's telephone line: asks the server for the state of the line, and shows the page for that state in
   the open document. If the browser loaded another document, a line through the browser would end. */

import { csrfToken } from "./csrf.js";
import { ask, errorIn } from "./our_answers.js";

const ANSWER_WITHIN_MS = 10000;
// The milliseconds between two requests, by the phase of the line. While the page waits, somebody may pick up at any
// moment.
const EVERY_MS = { off: 10000, connecting: 1000, resting: 5000, waiting: 1500, calling: 1000, talking: 3000, wrapping_up: 4000 };

const bar = document.querySelector("[data-phone]");
const headers = { Accept: "application/json" };
// With this header the server answers with a page to draw in this document.
const SCREEN = { Accept: "text/html", "X-Phonebank-Screen": "page" };
const isInBrowser = () => Boolean(document.querySelector("[data-softphone=on]"));
let timer = 0;
let asking = false;

function drawBar(state) {
  const said = bar.querySelector("[data-phone-said]");
  if (said.textContent !== state.said) said.textContent = state.said;
  bar.querySelector("[data-phone-finishing]").hidden = !state.finishing;
  for (const part of bar.querySelectorAll("[data-phone-in]")) {
    part.hidden = state.finishing || !part.dataset.phoneIn.split(" ").includes(state.phase);
  }
  const hangUp = document.querySelector("[data-phone-hang-up]");
  if (hangUp) hangUp.hidden = !["calling", "talking"].includes(state.phase);
  const dial = document.querySelector("[data-phone-dial]");
  if (dial) dial.hidden = ["calling", "talking"].includes(state.phase);
}

/* Shows the page for this state. A call page stays until the call's outcome is recorded. The response to that request
   has the next page. */
async function follow(state) {
  drawBar(state);
  if (state.key === bar.dataset.phoneKey) return;
  const call = document.querySelector("[data-call]");
  const isPerson = state.page.endsWith("/person");
  if (isPerson && call && state.key === `${call.dataset.call} 0`) {
    bar.dataset.phoneKey = state.key; // this person was drawn already
    return;
  }
  if (call && !isPerson && call.dataset.call) return;
  const answer = await ask(state.page, { headers: SCREEN }, ANSWER_WITHIN_MS);
  if (!answer.ours) return;
  // If nobody may call now, a page without the telephone bar says so. It is loaded as a document, which ends no line.
  if (state.phase === "off" && !answer.text.includes("data-phone=")) return location.replace(state.page);
  bar.dataset.phoneKey = state.key;
  document.dispatchEvent(new CustomEvent("phonebank:page", { detail: answer.text }));
}

async function look() {
  clearTimeout(timer);
  if (asking) return;
  asking = true;
  let every = 5000;
  try {
    const answer = await ask(bar.dataset.phone, { headers }, ANSWER_WITHIN_MS);
    if (answer.ok) {
      const state = JSON.parse(answer.text);
      every = EVERY_MS[state.phase];
      await follow(state);
    } else if (answer.ours && [401, 403].includes(answer.status)) location.replace("/calling");
  } catch (error) {
    // The network is down, and the page asks again.
  }
  asking = false;
  timer = setTimeout(look, every * (0.9 + Math.random() / 5));
}

// This runs before call.js, which would keep the form until the network is back. A telephone call can't wait for that.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches("[data-phone-form]")) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form));
  const options = { method: "POST", body, headers: { ...headers, "X-CSRFToken": csrfToken() } };
  try {
    const answer = await ask(form.action, options, ANSWER_WITHIN_MS);
    if (answer.ok) return follow(JSON.parse(answer.text));
    if (answer.ours && isInBrowser()) {
      bar.querySelector("[data-phone-said]").textContent = errorIn(answer);
      return;
    }
  } catch (error) {
    // The browser sends the form itself.
  }
  form.submit();
}, true);

/* Clears the words in the bar when an outcome is recorded, because they are about that call and not the next one. */
document.addEventListener("submit", ({ target }) => {
  if (!target.matches("[data-outcome-form]")) return;
  bar.querySelector("[data-phone-said]").textContent = "";
  setTimeout(look, 300);
});

/* If the caller speaks through this browser, asks for the next person without leaving the document. */
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches("[data-phone-next]") || !isInBrowser()) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form));
  const options = { method: "POST", body, headers: SCREEN };
  try {
    const answer = await ask(form.action, options, ANSWER_WITHIN_MS);
    if (answer.ours) document.dispatchEvent(new CustomEvent("phonebank:page", { detail: answer.text }));
  } catch (error) {
    // The network is down. The button stays.
  }
  look();
});

document.addEventListener("phonebank:phone", look);
document.addEventListener("visibilitychange", () => document.hidden || look());
look();
