/* Keeps a board up to date: figures, places, what just happened, and a quiet celebration. It writes into
   elements that are on the page already, so that a board left on for an evening uses no more memory than at
   its start. When the party ends or its code changes, this module inserts the content of the new page, and the
   board stays in full screen. Televisions keep their browsers for years, so this module and connection.js use
   nothing newer than Chromium 61, the first version with modules. Older browsers use board_reload.js, and so
   does a board on which this module fails. */

import { open } from "./connection.js";

const MOMENT_FOR_MS = 8000;
const GOAL_FOR_MS = 10000;
const STATUS_EVERY_MS = 60000;
const QUARTERS = {
  25: "A quarter of the way there",
  50: "Halfway there",
  75: "Three quarters there",
};

const find = (selector) => document.querySelector(selector);
const head = find("[data-board]");
const status = document.getElementById("board-status");

let latest = null; // newest state received
let shown = null; // state on the screen
let paused = false;
let goal = Number(head.dataset.goal);
let celebrated = Number(head.dataset.milestone);
// The highest goal that the board has celebrated, or that had been reached when the page was loaded.
let goalReached = celebrated === 100 ? goal : 0;
let newestMoment = Date.now();
let momentTimer = null;
let breakEndsAt = 0; // by this device's clock; 0 without a break that has a set end
let isReplacing = false;

function show(state) {
  latest = state;
  if (!paused) paint(state);
}

function paint(state) {
  shown = state;
  if (state.ended || isOver()) {
    if (overKey() !== `${state.calls} ${state.conversations} ${state.people}`) replacePage();
    return;
  }
  // Only the server draws the QR code.
  if (state.code !== find("[data-board]").dataset.code) replacePage();
  for (const element of document.querySelectorAll("[data-figure]")) {
    write(element, format(state[element.dataset.figure]));
  }
  find("h1").classList.toggle("is-long", state.title.length > 30);
  drawThermometer(state);
  drawRows("[data-leaders]", state.leaders, (row) => [
    ["leader-place", row.place],
    ["leader-name", row.names],
    ["leader-value", format(row.conversations)],
  ]);
  // Somebody was first already, but their conversations win no place.
  find("[data-leaders]").parentElement.hidden = state.conversations > 0 && !state.leaders.length;
  drawRows("[data-feed]", state.feed, (item) => [["", item.text]]);
  find("[data-ringing]").hidden = !state.ringing;
  find("[data-message]").hidden = !state.message;
  drawHour(state);
  drawBreak(state);
  celebrate(state);
  find("[data-side]").classList.toggle("is-new", !state.calls);
  fitSide();
}

function format(value) {
  return typeof value === "number" ? value.toLocaleString("en-GB") : value;
}

function write(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

function drawThermometer(state) {
  const thermometer = document.getElementById("thermometer");
  thermometer.querySelector("[data-fill]").setAttribute("stroke-dasharray", `${state.fill} 100`);
  const words = `${format(state.conversations)} of ${format(state.goal)} conversations`;
  thermometer.setAttribute("aria-label", words);
  thermometer.querySelectorAll("text").forEach((label, index) => {
    write(label, format(Math.round((state.goal * (index + 1)) / 4)));
  });
}

/* The bars of the last hour are on the page already, and only their heights change. */
function drawHour(state) {
  const hour = find("[data-hour]");
  hour.parentElement.hidden = !state.hour.some(Boolean);
  hour.setAttribute("aria-label", state.hour_words);
  hour.querySelectorAll("rect").forEach((bar, index) => {
    bar.setAttribute("y", 100 - state.hour[index]);
    bar.setAttribute("height", state.hour[index]);
  });
}

/* Draws each row as a list item of spans. A cell without a class is the item's own text. */
function drawRows(selector, rows, cells) {
  const target = find(selector);
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

function drawBreak(state) {
  breakEndsAt = state.break_seconds ? Date.now() + 1000 * state.break_seconds : 0;
  find("[data-break]").hidden = state.break_seconds === null;
  write(find("[data-break-words]"), state.notice);
  countDown();
}

function countDown() {
  const clock = find("[data-break-clock]");
  if (!clock) return;
  const left = Math.max(0, Math.ceil((breakEndsAt - Date.now()) / 1000));
  clock.hidden = !breakEndsAt;
  write(clock, `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`);
}
setInterval(() => breakEndsAt && !paused && countDown(), 500);

function celebrate(state) {
  // If the goal has changed, the quarters that the party has passed already are not celebrated again.
  if (state.goal !== goal) celebrated = Math.min(state.milestone, 75);
  goal = state.goal;
  if (state.milestone === 100 && goal > goalReached) {
    goalReached = goal;
    if (state.celebrate) showGoal();
  }
  const news = state.feed.filter((item) => item.moment && item.at > newestMoment);
  let words = "";
  if (state.milestone > celebrated) words = QUARTERS[state.milestone] || "";
  else if (news.length) words = news[0].text;
  celebrated = Math.max(celebrated, state.milestone);
  for (const item of news) newestMoment = Math.max(newestMoment, item.at);
  if (words && state.celebrate) {
    clearTimeout(momentTimer);
    momentTimer = setTimeout(() => {
      momentTimer = null;
      say(notice(latest || state), false);
      fitSide();
    }, MOMENT_FOR_MS);
    say(words, true);
  } else if (momentTimer === null) {
    say(notice(state), false);
  }
}

/* Returns the notice to show. It is "" during a break, because the card about the break has the notice already. */
function notice(state) {
  return state.break_seconds === null ? state.notice : "";
}

function say(words, isNew) {
  const moment = find("[data-moment]");
  if (!moment) return;
  moment.hidden = !words;
  write(moment, words);
  moment.classList.toggle("moment-new", isNew);
}

/* Shows for ten seconds, over the whole screen, that the goal is reached. */
function showGoal() {
  const moment = find("[data-goal-moment]");
  write(find("[data-goal-number]"), format(goal));
  moment.hidden = false;
  write(status, `Goal reached: ${format(goal)} conversations.`);
  setTimeout(() => (moment.hidden = true), GOAL_FOR_MS);
}

/* Hides the chart if the right column is too full. The people and the host's words stay. */
function fitSide() {
  const side = find("[data-side]");
  if (!side) return;
  side.classList.remove("is-full");
  if (side.scrollHeight > side.clientHeight + 1) side.classList.add("is-full");
}

function isOver() {
  return Boolean(find("[data-over]"));
}

function overKey() {
  return isOver() ? find("[data-over]").dataset.over : "";
}

/* Replaces the page's content with the server's newest. A reload would leave full screen. */
async function replacePage() {
  if (isReplacing) return;
  isReplacing = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || !answer.headers.has("X-Phonebank")) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    find("main").innerHTML = page.querySelector("main").innerHTML;
    if (page.querySelector("[data-over]")) breakEndsAt = 0;
    prepareControls();
    isReplacing = false;
    if (!isOver() && latest.code === find("[data-board]").dataset.code) paint(latest);
  } catch (error) {
    // The board's next event tries again.
    isReplacing = false;
  }
}

const { socket } = open({
  namespace: "/board",
  auth: { token: head.dataset.token },
  event: "board",
  // The server sends the board every four seconds, even if nothing has changed.
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

/* Shows the buttons of the page's head, which do nothing without this module. */
function prepareControls() {
  write(find("[data-pause]"), paused ? "Resume" : "Pause");
  find("[data-full-screen]").hidden = !document.fullscreenEnabled;
  find("[data-controls]").hidden = false;
}
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-pause]")) {
    paused = !paused;
    prepareControls();
    if (!paused && latest) paint(latest);
  } else if (event.target.closest("[data-full-screen]")) {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  }
});
prepareControls();
fitSide();
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
