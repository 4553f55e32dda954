/* Keeps a board up to date: figures, places, what just happened, and a quiet celebration.
   It writes into elements that are on the page already, so that a board left on for an evening uses no more
   memory than at its start.
   Televisions keep their browsers for years, so this module and connection.js use nothing newer than
   Chromium 61, the first with modules. For older browsers, and if this module fails, there is board_reload.js. */

import { open } from "./connection.js";

const MOMENT_FOR_MS = 8000;
const STATUS_EVERY_MS = 60000;
const QUARTERS = {
  25: "A quarter of the way there",
  50: "Halfway there",
  75: "Three quarters there",
  100: "Goal reached!",
};

const head = document.querySelector("[data-board]");
const moment = document.querySelector("[data-moment]");
const status = document.getElementById("board-status");
const hour = document.querySelector("[data-hour]");
const thermometer = document.getElementById("thermometer");

let latest = null; // newest state received
let shown = null; // state on the screen
let paused = false;
let celebrated = Number(head.dataset.milestone);
let newestMoment = Date.now();
let momentTimer = null;
let breakEndsAt = 0; // by this device's clock; 0 if no break ends by itself

function show(state) {
  latest = state;
  if (!paused) paint(state);
}

function paint(state) {
  // Only the server draws the QR code.
  if (state.code !== head.dataset.code) location.reload();
  for (const element of document.querySelectorAll("[data-figure]")) {
    write(element, format(state[element.dataset.figure]));
  }
  drawThermometer(state);
  drawRows("[data-leaders]", state.leaders, (row) => [
    ["leader-place", row.place],
    ["leader-name", row.names],
    ["leader-value", format(row.conversations)],
  ]);
  drawRows("[data-feed]", state.feed, (item) => [["", item.text]]);
  document.querySelector("[data-ringing]").hidden = !state.ringing;
  drawHour(state);
  breakEndsAt = state.break_seconds ? Date.now() + 1000 * state.break_seconds : 0;
  celebrate(state);
  shown = state;
}

function format(value) {
  return typeof value === "number" ? value.toLocaleString("en-GB") : value;
}

function write(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

function drawThermometer(state) {
  thermometer.querySelector("[data-fill]").setAttribute("stroke-dasharray", `${state.fill} 100`);
  const words = `${format(state.conversations)} of ${format(state.goal)} conversations`;
  thermometer.setAttribute("aria-label", words);
  thermometer.querySelectorAll("text").forEach((label, index) => {
    write(label, format(Math.round((state.goal * (index + 1)) / 4)));
  });
}

/* The bars of the last hour are on the page already, and only their heights change. */
function drawHour(state) {
  hour.setAttribute("aria-label", state.hour_words);
  hour.querySelectorAll("rect").forEach((bar, index) => {
    bar.setAttribute("y", 100 - state.hour[index]);
    bar.setAttribute("height", state.hour[index]);
  });
}

/* Draws each row as a list item of spans. A cell without a class is the item's own text. */
function drawRows(selector, rows, cells) {
  const target = document.querySelector(selector);
  const key = JSON.stringify(rows);
  if (target.dataset.shown === key) return;
  target.dataset.shown = key;
  target.textContent = "";
  for (const row of rows) {
    const item = target.appendChild(document.createElement("li"));
    for (const [name, text] of cells(row)) {
      const cell = name ? item.appendChild(document.createElement("span")) : item;
      cell.className = name;
      cell.textContent = text;
    }
  }
  target.parentElement.querySelector(".board-empty").hidden = rows.length > 0;
}

function celebrate(state) {
  const news = state.feed.filter((item) => item.moment && item.at > newestMoment);
  let words = "";
  if (state.milestone > celebrated) words = QUARTERS[state.milestone];
  else if (news.length) words = news[0].text;
  celebrated = Math.max(celebrated, state.milestone);
  for (const item of news) newestMoment = Math.max(newestMoment, item.at);
  if (words && state.celebrate) {
    clearTimeout(momentTimer);
    momentTimer = setTimeout(() => {
      momentTimer = null;
      say(notice(latest || state), false);
    }, MOMENT_FOR_MS);
    say(words, true);
  } else if (momentTimer === null) {
    say(notice(state), false);
  }
}

/* The notice, with a countdown during a break. */
function notice(state) {
  const left = Math.ceil((breakEndsAt - Date.now()) / 1000);
  if (!breakEndsAt) return state.notice;
  if (left <= 0) return "";
  return `${state.notice} · ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} left`;
}
setInterval(() => {
  if (breakEndsAt && !paused && momentTimer === null) say(notice(shown), false);
}, 500);

function say(words, isNew) {
  moment.hidden = !words;
  write(moment, words);
  moment.classList.toggle("moment-new", isNew);
}

const { socket } = open({
  namespace: "/board",
  auth: { token: head.dataset.token },
  event: "board",
  // The server sends the board every four seconds, changed or not.
  silentAfterMs: 8000,
  snapshot: async () => {
    const answer = await socket.emitWithAck("snapshot");
    if (!answer.ok) throw new Error(answer.error.message);
    return answer.board;
  },
  show,
  poll: location.pathname,
  // A host replaced the link. The page says so after a reload.
  refused: () => location.reload(),
});
// A host replaced the link. The page says so after a reload.
socket.on("gone", () => location.reload());
socket.on("connect_error", (error) => {
  if (error.data && error.data.status === 410) location.reload();
});

// People who use a screen reader hear one sentence a minute, and only if it says something new.
setInterval(() => {
  if (shown && !paused) write(status, shown.status);
}, STATUS_EVERY_MS);

const pauseButton = document.querySelector("[data-pause]");
pauseButton.addEventListener("click", () => {
  paused = !paused;
  pauseButton.textContent = paused ? "Resume" : "Pause";
  if (!paused && latest) paint(latest);
});

const fullScreenButton = document.querySelector("[data-full-screen]");
fullScreenButton.hidden = !document.fullscreenEnabled;
fullScreenButton.addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
});
document.querySelector("[data-controls]").hidden = false;
document.documentElement.setAttribute("data-moves", "yes");

// A laptop that drives the television must not fall asleep.
async function stayAwake() {
  if (document.hidden || !navigator.wakeLock) return;
  try {
    await navigator.wakeLock.request("screen");
  } catch (error) {
    // The browser may refuse, for example on a low battery. The board works all the same.
  }
}
stayAwake();
document.addEventListener("visibilitychange", stayAwake);
