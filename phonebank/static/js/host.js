/* The host's page on a phone: figures that move, and a list of people that is never out of date. */

import { open } from "./connection.js";
import { isOurs } from "./htmx_answers.js";

const LOOK_AGAIN_MS = 2000;
// Each caller's share moves with every call, and nobody watches it as they watch the figures.
const SHARES_EVERY_MS = 15000;
const AFTER_A_FAILURE_MS = 8000;
// Signed out, or the party is another's: the page says which.
const NO_LONGER_THEIRS = [401, 403, 404];

const party = document.querySelector("[data-party]");
// Not the page's own address, which is a form's where that could not be used as it was sent.
const here = `/parties/${party.dataset.party}`;
const doorStatus = document.getElementById("door-status");
const title = document.title;

let stale = false;
let sharesMoved = false;
let readAt = Date.now(); // when the shares were last asked for
let failedAt = -Infinity;
// How many, as last said.
let waited = Number(party.dataset.waiting);
let asked = Number(party.dataset.helping);

function show(state) {
  const drawn = party.dataset;
  if (state.code !== drawn.code || state.ended !== (drawn.ended === "yes")) {
    // Changed on another device. Not while somebody types here.
    if (!isTyping(document.body)) location.assign(here);
    return;
  }
  for (const name of ["conversations", "calls", "answered", "active"]) {
    const value = state[name];
    const figure = document.getElementById(`figure-${name}`);
    if (figure) figure.textContent = typeof value === "number" ? value.toLocaleString("en-GB") : value;
  }
  tellOfThem(state.waiting, state.helping);
  const people = document.getElementById("people").dataset;
  if (state.people !== people.people) stale = true;
  const shares = `${state.calls} ${state.conversations}`;
  sharesMoved = shares !== people.shares && shares;
  lookAgain();
}

function tellOfThem(waiting, helping) {
  document.title = waiting + helping ? `(${waiting + helping}) ${title}` : title;
  if (helping > asked) {
    doorStatus.textContent = helping === 1 ? "1 caller needs help." : `${helping} callers need help.`;
  } else if (waiting > waited) {
    const words = waiting === 1 ? "1 person is waiting" : `${waiting} people are waiting`;
    doorStatus.textContent = `${words} to join.`;
  }
  waited = waiting;
  asked = helping;
}

function isTyping(part) {
  const at = document.activeElement;
  return part.contains(at) && ["INPUT", "TEXTAREA", "SELECT"].includes(at.tagName);
}

/* Reads the list of people anew, unless somebody is in the middle of changing one of them, and
   between two such readings only what each has done. */
function lookAgain() {
  if (document.hidden || Date.now() - failedAt < AFTER_A_FAILURE_MS) return;
  const people = document.getElementById("people");
  if (stale && !isBusy(people)) readPeople();
  else if (sharesMoved && Date.now() - readAt > SHARES_EVERY_MS) readShares(people);
}

function isBusy(people) {
  const at = document.activeElement;
  // The keyboard goes back to where it was by the control's id.
  const wouldLoseItsPlace = people.contains(at) && !at.id;
  return isTyping(people) || wouldLoseItsPlace || people.querySelector("details[open]");
}

function readPeople() {
  stale = sharesMoved = false;
  readAt = Date.now();
  window.htmx.ajax("GET", here, {
    target: "#people",
    select: "#people",
    swap: "outerHTML ignoreTitle:true",
  });
}
setInterval(lookAgain, LOOK_AGAIN_MS);

/* Writes into what is there: no menu shuts and no control loses the keyboard. */
async function readShares(people) {
  const moved = sharesMoved;
  sharesMoved = false;
  readAt = Date.now();
  try {
    const answer = await fetch(`${here}/shares`);
    if (!answer.ok || !answer.headers.has("X-Phonebank")) throw new Error(answer.status);
    const shares = await answer.json();
    for (const [caller, words] of Object.entries(shares)) {
      const share = document.getElementById(`share-${caller}`);
      if (share && share.textContent !== words) share.textContent = words;
    }
    people.dataset.shares = moved;
  } catch (error) {
    // Nobody asked for it. The board's next event asks again.
    failedAt = Date.now();
  }
}

// The button that was pressed went with the old list, or its person did: leave the keyboard there.
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
// What the host pressed and could not be done is told by the page. What the page asked for by
// itself is asked for again.
function didNotCome(event) {
  const pressed = event.detail.requestConfig.verb !== "get";
  const answered = event.type === "htmx:responseError";
  if (answered && (pressed || NO_LONGER_THEIRS.includes(event.detail.xhr.status))) location.assign(here);
  if (pressed) return;
  stale = true;
  failedAt = Date.now();
}
document.body.addEventListener("htmx:responseError", didNotCome);
// Somebody else answered: nothing was put in, and what the page wants is still to be had.
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (isOurs(event.detail.xhr)) return;
  stale = true;
  failedAt = Date.now();
});
document.body.addEventListener("htmx:sendError", didNotCome);

const { socket } = open({
  namespace: "/board",
  auth: { party: Number(party.dataset.party) },
  event: "board",
  // The server sends the board every four seconds, changed or not.
  silentAfterMs: 8000,
  snapshot: async () => {
    const answer = await socket.emitWithAck("snapshot");
    if (!answer.ok) throw new Error(answer.error.message);
    return answer.board;
  },
  show,
  poll: here,
  refused: (status) => NO_LONGER_THEIRS.includes(status) && location.assign(here),
});
// No longer theirs to run: the page says so.
socket.on("gone", () => location.assign(here));
socket.on("connect_error", (error) => {
  if (error.data && NO_LONGER_THEIRS.includes(error.data.status)) location.assign(here);
});
