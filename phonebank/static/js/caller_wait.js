/* Moves the lobby and the waiting page on automatically. */

import "./call_joy.js";
import { listen, showMessage } from "./caller_line.js";
import { ask } from "./our_answers.js";

const LOBBY_EVERY_MS = 8000;
const ANSWER_WITHIN_MS = 10000;
const CUT = "Live updates don't get through on this network. This page checks every few seconds instead.";
// The page asks more often at first. Later it asks once in data-ask-every seconds.
const FIRST_PART = 1 / 8;
const GROWS_BY = 1.5;
// After this long the caller may have left, and the screen must not show a person. The page then waits for a
// tap.
const PATIENCE_MS = 30 * 60_000;

const lobby = document.querySelector("[data-lobby]");
const waiting = document.querySelector("[data-waiting]");

// How long a busy server has asked this page to wait, in milliseconds.
let stayAwayMs = 0;

/* Returns { status, body }. Returns null if Phonebank did not answer, is restarting or is too busy; the page
   then asks again. */
async function fetchState(url) {
  stayAwayMs = 0;
  try {
    const answer = await ask(url, { headers: { Accept: "application/json" } }, ANSWER_WITHIN_MS);
    stayAwayMs = answer.retryAfterMs;
    if (!answer.ours || answer.status >= 500 || answer.status === 429) return null;
    return { status: answer.status, body: JSON.parse(answer.text) };
  } catch (error) {
    return null;
  }
}

async function checkLobby() {
  const answer = document.hidden ? null : await fetchState(lobby.dataset.lobby);
  if (answer && answer.body.state !== "waiting") return location.replace(lobby.dataset.lobby);
  setTimeout(checkLobby, pauseOf(LOBBY_EVERY_MS));
}

/* Returns the pause before the next question, which differs between phones: about `usualMs`, and at least what
   a busy server asked for. */
function pauseOf(usualMs) {
  return Math.max(usualMs * (0.75 + Math.random() / 2), stayAwayMs * (1 + Math.random() / 2));
}

const drawnAt = Date.now();
const askEveryMs = waiting ? 1000 * Number(waiting.dataset.askEvery || 0) : 0;
let pauseMs = askEveryMs * FIRST_PART;
let timer = null;

async function tryAgain() {
  clearTimeout(timer);
  if (Date.now() - drawnAt > PATIENCE_MS) return location.replace("/calling");
  // A hidden page claims no contact. It tries again when the caller comes back to it.
  const answer = document.hidden ? null : await fetchState(waiting.dataset.waiting);
  if (answer && saysOtherwise(answer)) return location.replace(waiting.dataset.waiting);
  if (answer && "team" in answer.body) showTeam(answer.body.team);
  pauseMs = Math.min(pauseMs * GROWS_BY, askEveryMs);
  if (askEveryMs) timer = setTimeout(tryAgain, pauseOf(pauseMs));
}

/* Whether there is a person now, or a different reason to wait. */
function saysOtherwise({ status, body }) {
  if (status === 200) return Boolean(body.person) || body.key !== waiting.dataset.reason;
  // 403: the caller has to be trained first. 409: calling is paused.
  return ![403, 409].includes(status) || body.error.title !== waiting.dataset.reason;
}

/* Moves the team's thermometer. */
function showTeam(conversations) {
  const bar = document.getElementById("team");
  const words = document.querySelector("[data-team]");
  if (!bar) return;
  bar.value = conversations;
  words.textContent = words.dataset.team.replace("{team}", conversations.toLocaleString("en-GB"));
}

/* Counts down the seconds that are left of a break, by this phone's clock. */
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
    pauseMs = askEveryMs * FIRST_PART;
    tryAgain();
  };
  if (askEveryMs) {
    timer = setTimeout(tryAgain, pauseMs);
    document.addEventListener("visibilitychange", () => document.hidden || hurry());
  }
  const countdown = document.querySelector("[data-countdown]");
  if (countdown) countDown(countdown, Number(waiting.dataset.endsIn));
  if ("endsIn" in waiting.dataset) {
    const { endsIn, spread } = waiting.dataset;
    const endsAt = drawnAt + 1000 * (Number(endsIn) + Math.random() * Number(spread));
    // Timers of a phone in a pocket are late.
    const clock = setInterval(() => {
      if (Date.now() < endsAt) return;
      clearInterval(clock);
      if (askEveryMs) hurry();
      else location.replace("/calling");
    }, 500);
  }
  listen({
    removed: () => location.replace("/calling"),
    party: hurry,
    message: ({ text }) => showMessage(text),
  });
}
