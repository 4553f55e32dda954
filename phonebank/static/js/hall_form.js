/* Sends a hall's form again until Phonebank has it, because a hall's network often fails with 500 phones in it. The
   form has a key, so the server counts a repeated form once. sessionStorage keeps what was typed if the page is
   reloaded. If a browser lacks something that this module needs, the browser sends the form itself. */

import { csrfToken, setToken } from "./csrf.js";
import { ask, canAsk, pauseMs } from "./our_answers.js";

const ANSWER_WITHIN_MS = 10000;
const RETRY_MOST_MS = 8000;
// If the answer has one of these statuses, the server may accept the same form later.
const LATER = [408, 425, 429];
const form = document.querySelector("form[data-hall-form]");
const said = document.querySelector("[data-hall-said]");
const key = `phonebank.hall ${location.pathname}`;
let failures = 0;
let timer = null;
let sending = false;

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch (error) {
    return null;
  }
}

function store(fields) {
  try {
    if (fields) sessionStorage.setItem(key, JSON.stringify(fields));
    else sessionStorage.removeItem(key);
  } catch (error) {
    // The browser allows no storage, so only the page has the fields.
  }
}

async function send(fields) {
  clearTimeout(timer);
  if (sending) return;
  sending = true;
  const answer = await post(fields).catch(() => null);
  sending = false;
  if (answer && answer.ok) {
    store(null);
    location.assign(JSON.parse(answer.text).next);
    return;
  }
  if (answer && answer.ours && answer.status < 500 && !LATER.includes(answer.status) && !answer.stale) {
    // The server refused the form. The browser sends it once more, and shows the server's page with the errors.
    store(null);
    form.submit();
    return;
  }
  if (answer && answer.stale) await refreshToken();
  failures += 1;
  said.hidden = false;
  timer = setTimeout(() => send(fields), pauseMs(failures, answer ? answer.retryAfterMs : 0, 1000, RETRY_MOST_MS));
}

function post(fields) {
  const body = new URLSearchParams(fields.filter(([name]) => name !== "csrf_token"));
  body.append("csrf_token", csrfToken());
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  return ask(form.action, { method: "POST", headers, body, credentials: "same-origin" }, ANSWER_WITHIN_MS);
}

async function refreshToken() {
  const page = await ask(location.href, { credentials: "same-origin" }, ANSWER_WITHIN_MS).catch(() => null);
  const found = page && page.ours && /name="csrf" content="([^"]+)"/.exec(page.text);
  if (found) setToken(found[1]);
}

function fill(fields) {
  for (const [name, value] of fields) {
    const field = form.elements[name];
    if (field && name !== "csrf_token" && "value" in field) field.value = value;
  }
}

if (form) {
  form.addEventListener("submit", (event) => {
    canAsk();
    const fields = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
    event.preventDefault();
    store(fields);
    failures = 0;
    send(fields);
  });
  addEventListener("online", () => stored() && send(stored()));
  const earlier = stored();
  if (earlier) {
    fill(earlier);
    send(earlier);
  }
}
