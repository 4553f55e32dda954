/* The lobby and the waiting page: both go on by themselves. */

import { listen, showMessage } from "./caller_line.js";

const LOBBY_EVERY_MS = 8000;
const WAITS_MS = [4000, 6000, 9000, 13000, 20000, 30000];

const lobby = document.querySelector("[data-lobby]");
const waiting = document.querySelector("[data-waiting]");

async function ask(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
  if (response === null || response.status >= 500) return null; // they are restarting: ask again
  return { status: response.status, body: await response.json() };
}

async function lookInTheLobby() {
  const answer = document.hidden ? null : await ask(lobby.dataset.lobby);
  if (answer && answer.body.state !== "waiting") location.replace(lobby.dataset.lobby);
  else setTimeout(lookInTheLobby, LOBBY_EVERY_MS);
}

let tries = 0;
let timer = null;

async function tryAgain() {
  clearTimeout(timer);
  // Nobody is handed to a page that nobody looks at: it tries again when they come back to it.
  const answer = document.hidden ? null : await ask(waiting.dataset.waiting);
  const goesOn = answer && ((answer.status === 200 && answer.body.person) || ![200, 409].includes(answer.status));
  if (goesOn) return location.replace(waiting.dataset.waiting);
  const wait = WAITS_MS[Math.min(tries++, WAITS_MS.length - 1)];
  timer = setTimeout(tryAgain, wait * (0.75 + Math.random() / 2));
}

if (lobby) {
  setTimeout(lookInTheLobby, LOBBY_EVERY_MS);
  const goOn = () => location.replace(lobby.dataset.lobby);
  listen({
    admitted: goOn,
    removed: goOn,
    message: ({ text }) => showMessage(text),
    state: ({ state }) => state !== "waiting" && goOn(),
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
  // A pause that ends by itself: a second later, not at the next try.
  if ("goesOnIn" in waiting.dataset) setTimeout(hurry, 1000 * (Number(waiting.dataset.goesOnIn) + Math.random()));
  listen({
    removed: () => location.replace("/calling"),
    party: hurry,
    message: ({ text }) => showMessage(text),
  });
}
