/* The call page. Everything on it works as plain forms; this keeps them going through dead spots and
   brings the next step, and the next person, without leaving the page. */

import { drawKeySwitch, listenToKeys } from "./call_keys.js";
import { Hold } from "./call_hold.js";
import { Outbox } from "./call_outbox.js";
import { ScriptWalk } from "./call_script.js";
import { listen, showMessage } from "./caller_line.js";
import { showTimes } from "./local_time.js";

// A second tap on "No answer" must not land on the next person, whose button lies under the same thumb.
const NO_OUTCOME_WITHIN_MS = 700;
const OFFLINE_WITH_OUTCOME = "You are offline. How this call ended is kept here, and sent as soon as we are back.";
const OFFLINE = "You are offline: keep talking, we will save this.";
const RESTARTING = "Back in a moment: this is kept here, and sent by itself.";
const NOTE_KEY = "phonebank.note";

let page, data, walk, hold, drawnAt;

const outbox = new Outbox({ answered, down: lineIsDown, up: lineIsUp });

function begin() {
  page = document.querySelector("[data-call]");
  if (!page) return;
  data = JSON.parse(document.getElementById("call-data").textContent);
  drawnAt = Date.now();
  for (const entry of outbox.entries) {
    if (entry.call === data.call && entry.kind === "answer") data.answers[entry.step] = entry.answer;
  }
  walk = new ScriptWalk(page, data);
  walk.draw(false);
  drawKeySwitch();
  showTimes();
  keepNote();
  hold = data.practice ? null : new Hold(data.renew, data.seconds_left, warn);
  if (hold && Object.keys(data.answers).length) hold.begun = true;
  if (outbox.has((entry) => entry.kind === "screen")) setBusy(true);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!page || form.method !== "post" && !form.matches("[data-done]")) return;
  const button = event.submitter;
  if (form.matches("[data-done]")) {
    event.preventDefault();
    walk.change(button.value);
  } else if (form.matches("[data-answer-form]")) {
    event.preventDefault();
    takeAnswer(button);
  } else if (!data.practice) {
    event.preventDefault();
    send(form, button);
  } else if (form.elements.answers) {
    form.elements.answers.value = JSON.stringify(walk.answers);
  }
});

function takeAnswer(button) {
  const step = walk.current;
  const answer = walk.read(button);
  if (!walk.take(answer)) return say("Choose an answer: what comes next depends on it.");
  say("");
  if (!hold) return;
  hold.begun = true;
  const values = Array.isArray(answer) ? answer : [answer === null ? "" : String(answer)];
  const fields = [["step_id", step], ["seq", nextSeq()], ...values.map((value) => ["answer", value])];
  outbox.add({ kind: "answer", call: data.call, url: data.answer, fields, step, answer, seq: data.seq });
}

/* A copy that the network delivers late is known by its place among the answers. By the clock, so that
   it grows over reloads and from tab to tab; and still where that clock is put back. */
function nextSeq() {
  const sent = outbox.entries.filter((entry) => entry.call === data.call).map((entry) => entry.seq || 0);
  data.seq = Math.max(Date.now(), data.seq + 1, ...sent.map((seq) => seq + 1));
  return data.seq;
}

function send(form, button) {
  const isOutcome = form.matches("[data-outcome-form]");
  if (isOutcome && !button.value) return; // Enter in a field
  if (page.dataset.busy === "yes" || (isOutcome && Date.now() - drawnAt < NO_OUTCOME_WITHIN_MS)) return;
  const fields = [...new FormData(form, button)].filter(([name]) => name !== "csrf_token");
  setBusy(true);
  outbox.add({ kind: "screen", call: data.call, url: form.action, fields });
}

/* The server's last word on something sent. */
async function answered(entry, response) {
  if (entry.kind === "answer") {
    if (response.ok || !page || entry.call !== data.call) return;
    if ([401, 403].includes(response.status)) return location.reload();
    const { error } = await response.json().catch(() => ({}));
    if (response.status !== 422 || !error) return;
    delete walk.answers[entry.step];
    walk.change(entry.step);
    return say(`${error.message} ${error.what_to_do}`.trim());
  }
  const html = await response.text();
  const next = new DOMParser().parseFromString(html, "text/html");
  setBusy(false);
  const waiting = next.querySelector("[data-waiting]");
  if (waiting) return location.replace(waiting.dataset.waiting);
  if (response.ok && !next.querySelector("[data-call]")) return location.assign(response.url);
  if (response.ok) sessionStorage.removeItem(NOTE_KEY);
  draw(next);
}

function draw(next) {
  if (hold) hold.close();
  for (const selector of ["#toasts", "#main", ".action-bar", "meta[name=csrf]", ".top"]) {
    const old = document.querySelector(selector);
    const fresh = next.querySelector(selector);
    if (old && fresh) old.replaceWith(fresh);
    else if (old) old.remove();
  }
  begin();
  scrollTo(0, 0);
  const heading = document.querySelector("#main h1");
  if (heading) heading.focus();
}

function setBusy(busy) {
  page.dataset.busy = busy ? "yes" : "";
  const bar = document.querySelector(".call-bar");
  if (bar) bar.classList.toggle("is-sending", busy);
}

function lineIsDown(entries, reached) {
  if (reached) return banner(RESTARTING);
  const outcome = entries.some((entry) => entry.kind === "screen");
  banner(outcome ? OFFLINE_WITH_OUTCOME : OFFLINE);
}

function lineIsUp() {
  if (!outbox.entries.length) banner("");
}

function banner(words) {
  const element = document.querySelector("[data-line-down]");
  if (element.textContent !== words) element.textContent = words;
}

addEventListener("offline", () => banner(OFFLINE));
addEventListener("online", () => outbox.entries.length || banner(""));

function say(words) {
  page.querySelector("[data-step-error]").textContent = words;
}

function warn(words, button) {
  const place = page.querySelector("[data-hold-warning]");
  place.textContent = words;
  if (!button) return;
  const keep = document.createElement("button");
  keep.type = "button";
  keep.textContent = button;
  keep.addEventListener("click", () => hold.renew());
  place.append(keep);
}

/* A note half written survives a tab that the phone threw away. */
function keepNote() {
  const note = document.getElementById("note");
  const kept = JSON.parse(sessionStorage.getItem(NOTE_KEY) || "{}");
  if (kept.call === data.call && kept.text) {
    note.value = kept.text;
    note.closest("details").open = true;
  }
  if (!data.practice) {
    note.addEventListener("input", () => {
      sessionStorage.setItem(NOTE_KEY, JSON.stringify({ call: data.call, text: note.value }));
    });
  }
}

document.addEventListener("click", (event) => {
  if (hold && event.target.closest("a.dial, [data-copy]")) hold.begun = true;
});

// A page that the back button brought back from memory may show a person who is gone.
addEventListener("pageshow", (event) => event.persisted && location.reload());

listen({
  removed: () => location.replace("/calling"),
  message: ({ text }) => showMessage(text),
  party({ paused, ended }) {
    if (ended) showMessage("The party is over. Finish this call and save it: it counts.");
    else if (paused) showMessage("We take a break after this call.");
  },
});

listenToKeys();
begin();
outbox.send();
