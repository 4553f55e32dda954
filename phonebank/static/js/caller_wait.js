/* Moves the lobby and the waiting page on automatically. */

import { listen, showMessage } from "./caller_line.js";
import { ask } from "./our_answers.js";

const LOBBY_EVERY_MS = 8000;
const ANSWER_WITHIN_MS = 10000;
const CUT = "Live updates don't get through on this network. This page checks every few seconds instead.";
const WAITS_MS = [4000, 6000, 9000, 13000, 20000, 30000];

const lobby = document.querySelector("[data-lobby]");
const waiting = document.querySelector("[data-waiting]");

/* { status, body }, or null if Phonebank did not answer or is restarting: the page then asks again. */
async function fetchState(url) {
  try {
    const answer = await ask(url, { headers: { Accept: "application/json" } }, ANSWER_WITHIN_MS);
    if (!answer.ours || answer.status >= 500 || answer.status === 429) return null;
    return { status: answer.status, body: JSON.parse(answer.text) };
  } catch (error) {
    return null;
  }
}

async function checkLobby() {
  const answer = document.hidden ? null : await fetchState(lobby.dataset.lobby);
  if (answer && answer.body.state !== "waiting") return location.replace(lobby.dataset.lobby);
  setTimeout(checkLobby, LOBBY_EVERY_MS * (0.75 + Math.random() / 2));
}

let tries = 0;
let timer = null;

async function tryAgain() {
  clearTimeout(timer);
  // A hidden page claims no contact. It tries again when the caller comes back to it.
  const answer = document.hidden ? null : await fetchState(waiting.dataset.waiting);
  const goesOn = answer && ((answer.status === 200 && answer.body.person) || ![200, 409].includes(answer.status) || breakChanged(answer));
  if (goesOn) return location.replace(waiting.dataset.waiting);
  const wait = WAITS_MS[Math.min(tries++, WAITS_MS.length - 1)];
  timer = setTimeout(tryAgain, wait * (0.75 + Math.random() / 2));
}

/* Whether the host has called, changed or ended a break since this page was drawn. */
function breakChanged({ status, body }) {
  const now = status === 200 && body.reason === "break" ? body.next_at || "open" : undefined;
  return now !== waiting.dataset.break;
}

/* Counts down to the end of a break, by this phone's own clock from the seconds that the server gave. */
function countDown(element, seconds) {
  const endsAt = Date.now() + 1000 * seconds;
  const draw = () => {
    const left = Math.max(0, Math.ceil((endsAt - Date.now()) / 1000));
    element.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  };
  draw();
  setInterval(draw, 500);
}

if (lobby) {
  setTimeout(checkLobby, LOBBY_EVERY_MS);
  const goOn = () => location.replace(lobby.dataset.lobby);
  listen({
    admitted: goOn,
    removed: goOn,
    message: ({ text }) => showMessage(text),
    state: ({ state }) => state !== "waiting" && goOn(),
    cut(isCut) {
      document.querySelector("[data-line-down]").textContent = isCut ? CUT : "";
    },
  });
}

if (waiting) {
  const hurry = () => {
    tries = 0;
    tryAgain();
  };
  if ("retry" in waiting.dataset) {
    timer = setTimeout(tryAgain, WAITS_MS[0]);
    document.addEventListener("visibilitychange", () => document.hidden || hurry());
  }
  const countdown = document.querySelector("[data-countdown]");
  if (countdown) countDown(countdown, Number(waiting.dataset.goesOnIn));
  // When a pause ends, the page tries within a second, and not at its next turn.
  if ("goesOnIn" in waiting.dataset) setTimeout(hurry, 1000 * (Number(waiting.dataset.goesOnIn) + Math.random()));
  listen({
    removed: () => location.replace("/calling"),
    party: hurry,
    message: ({ text }) => showMessage(text),
  });
}
