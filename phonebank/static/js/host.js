/* Keeps the host's page up to date: its figures and its list of people. */

import { open } from "./connection.js";
import { isFormOnItsWay } from "./forms.js";
import { alertHost, drawBar } from "./host_bar.js";
import { isOurs } from "./htmx_answers.js";

const REFRESH_EVERY_MS = 2000;
// How often the page asks what each caller did and is doing. A host watches that less than the figures.
const SHARES_EVERY_MS = 10000;
const AFTER_A_FAILURE_MS = 8000;
// If the server answers with one of these statuses, the host has signed out or no longer runs the party. After a
// reload the page says which.
const ACCESS_LOST = [401, 403, 404];

const party = document.querySelector("[data-party]");
// Not location.href: after a form with a mistake, that is the form's address.
const here = `/parties/${party.dataset.party}`;
const doorStatus = document.getElementById("door-status");
const title = document.title;

let stale = false;
let readAt = Date.now(); // when the shares were last asked for
const ended = party.dataset.ended === "yes";
let failedAt = -Infinity;
// The numbers that the page last announced.
let waited = Number(party.dataset.waiting);
let asked = Number(party.dataset.helping);

function show(state) {
  const drawn = party.dataset;
  if (state.code !== drawn.code || state.ended !== ended) {
    // The party has changed, perhaps on another device. A reload must not delete what the host is typing, and must not
    // replace the page that a form of the host is loading.
    if (!isTyping(document.body) && !isFormOnItsWay()) location.assign(here);
    return;
  }
  for (const name of ["conversations", "calls", "answered", "active"]) {
    const value = state[name];
    const figure = document.getElementById(`figure-${name}`);
    if (figure) figure.textContent = typeof value === "number" ? value.toLocaleString("en-GB") : value;
  }
  announce(state.waiting, state.helping);
  const people = document.getElementById("people").dataset;
  const onBreak = state.break_seconds !== null;
  if (state.people !== people.people || onBreak !== (people.break === "yes")) stale = true;
  drawBar(state);
  refreshPeople();
}

function announce(waiting, helping) {
  document.title = waiting + helping ? `(${waiting + helping}) ${title}` : title;
  if (helping > asked) {
    doorStatus.textContent = helping === 1 ? "1 caller needs help." : `${helping} callers need help.`;
  } else if (waiting > waited) {
    const words = waiting === 1 ? "1 person is waiting" : `${waiting} people are waiting`;
    doorStatus.textContent = `${words} to join.`;
  }
  if (helping > asked || waiting > waited) alertHost();
  waited = waiting;
  asked = helping;
}

function isTyping(part) {
  const at = document.activeElement;
  return part.contains(at) && ["INPUT", "TEXTAREA", "SELECT"].includes(at.tagName);
}

/* Reads the list of people again if it changed, but not while the host changes one of them. Otherwise reads
   only what each caller did and is doing. */
function refreshPeople() {
  if (document.hidden || Date.now() - failedAt < AFTER_A_FAILURE_MS) return;
  const people = document.getElementById("people");
  if (stale && !isBusy(people)) readPeople();
  else if (!ended && Date.now() - readAt > SHARES_EVERY_MS) readShares();
}

function isBusy(people) {
  const at = document.activeElement;
  // htmx moves the focus back to the control with the same id.
  const wouldLoseFocus = people.contains(at) && !at.id;
  return isTyping(people) || wouldLoseFocus || people.querySelector("details[open]");
}

function readPeople() {
  stale = false;
  readAt = Date.now();
  window.htmx.ajax("GET", here, {
    target: "#people",
    select: "#people",
    swap: "outerHTML ignoreTitle:true",
  });
}
setInterval(refreshPeople, REFRESH_EVERY_MS);

/* Writes each caller's share and state into their elements, so that no menu closes and no control loses the
   focus. */
async function readShares() {
  readAt = Date.now();
  try {
    const answer = await fetch(`${here}/shares`);
    if (!answer.ok || !answer.headers.has("X-Phonebank")) throw new Error(answer.status);
    const shares = await answer.json();
    for (const [caller, { share, kind, words }] of Object.entries(shares)) {
      write(`share-${caller}`, share);
      const doing = write(`doing-${caller}`, words);
      if (doing) doing.dataset.doing = kind;
    }
  } catch (error) {
    // The page asked by itself, so it shows no error and asks again soon.
    failedAt = Date.now();
  }
}

function write(id, words) {
  const element = document.getElementById(id);
  if (element && element.textContent !== words) element.textContent = words;
  return element;
}

// The new list may no longer have the button that the host pressed. The focus then goes to the title of the list.
let wasInside = false;
document.body.addEventListener("htmx:beforeSwap", () => {
  wasInside = document.getElementById("people").contains(document.activeElement);
});
document.body.addEventListener("htmx:afterSettle", (event) => {
  const pressed = event.detail.requestConfig && event.detail.requestConfig.verb !== "get";
  if ((pressed || wasInside) && document.activeElement === document.body) {
    document.getElementById("people-title").focus();
  }
});
// If the server answers a button of the host with an error, the page reloads and says so. If a request of the page
// itself fails, the page asks again later, unless the host has lost access.
function handleFailure(event) {
  const pressed = event.detail.requestConfig.verb !== "get";
  const answered = event.type === "htmx:responseError";
  if (answered && (pressed || ACCESS_LOST.includes(event.detail.xhr.status))) location.assign(here);
  if (pressed) return;
  stale = true;
  failedAt = Date.now();
}
document.body.addEventListener("htmx:responseError", handleFailure);
// If something other than Phonebank answered, the page has drawn nothing, and asks again.
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (isOurs(event.detail.xhr)) return;
  stale = true;
  failedAt = Date.now();
});
document.body.addEventListener("htmx:sendError", handleFailure);

const { socket } = open({
  namespace: "/board",
  auth: { party: Number(party.dataset.party) },
  event: "board",
  // The server sends the board every four seconds, even if nothing has changed.
  silentAfterMs: 8000,
  snapshot: async () => {
    const answer = await socket.emitWithAck("snapshot");
    if (!answer.ok) throw new Error(answer.error.message);
    return answer.board;
  },
  show,
  poll: here,
  refused: (status) => ACCESS_LOST.includes(status) && location.assign(here),
});
// The host no longer runs the party, and the page says so.
socket.on("gone", () => location.assign(here));
socket.on("connect_error", (error) => {
  if (error.data && ACCESS_LOST.includes(error.data.status)) location.assign(here);
});
