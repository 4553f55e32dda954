/* Without JavaScript the call page works with plain forms. This module sends these forms itself, again and again
   while the network fails, and shows the next step and the next person without leaving the page. */

import { drawKeySwitch, listenToKeys } from "./call_keys.js";
import { Hold } from "./call_hold.js";
import { callIn, Outbox } from "./call_outbox.js";
import { foldWhatIsKnown, listenToUnfold } from "./call_learned.js";
import { aboutCall, drawPerson, showAnswers } from "./call_person.js";
import { ScriptWalk } from "./call_script.js";
import { closeSheet, listenToSheet } from "./call_sheet.js";
import { Scripts } from "./call_words.js";
import { listen, showBreak, showMessage } from "./caller_line.js";
import { buttonOf, fieldsOf } from "./forms.js";
import { showTimes } from "./local_time.js";
import { errorIn, pauseMs } from "./our_answers.js";

// A second tap on "No answer" must not land on the next person, whose button is under the same thumb.
const NO_OUTCOME_WITHIN_MS = 700;
const OFFLINE_WITH_OUTCOME = "You're offline. How this call ended is saved on this phone. We'll send it when you're back online.";
const OFFLINE = "You're offline. Keep talking: we'll save this.";
const OFFLINE_IN_PRACTICE = "You're offline. You can finish the practice call when you're back online.";
const RESTARTING = "We'll be back in a moment. This is saved on this phone, and we'll send it automatically.";
const FOREIGN_ANSWER =
  "We can't reach Phonebank. Perhaps this Wi-Fi wants you to log in. This is saved on this phone, and we'll send it as soon as we can.";
const NOT_KNOWN = "We no longer know this phone. Join again in another tab. This is saved here until then.";
const OUTCOME_NOT_SAVED = "How the call ended wasn't saved.";
const NOT_DONE = "That didn't work.";
const NOTE_KEY = "phonebank.note";

let page, data, walk, hold, drawnAt, lateTimer;

const scripts = new Scripts();
// A page that lacks a part which the next contact may need, such as the practice page, has no script key. Then the
// request names no scripts, and the server sends a whole page.
const heldScripts = () => (page && data.script.key ? scripts.told() : "");
const outbox = new Outbox({ answered: settle, down: showDown, up: showUp, heldScripts });

/* Begins the call on a page that the server sent as HTML. Does nothing if the page shows no call. */
function begin() {
  page = null;
  const drawn = document.querySelector("[data-call]");
  if (!drawn) return;
  const about = JSON.parse(document.getElementById("call-data").textContent);
  scripts.begin(about.script);
  beginCall(drawn, about);
  // A phone may reload the page in the middle of a call. The present question is then below the answers so far.
  if (Object.keys(data.answers).length && !data.go_on_from) walk.draw();
}

function beginCall(drawn, about) {
  data = about;
  drawnAt = Date.now();
  for (const entry of outbox.entries) {
    if (entry.call === data.call && entry.kind === "answer") data.answers[entry.step] = entry.answer;
  }
  showAnswers(drawn, data.answers);
  foldWhatIsKnown(drawn, data);
  walk = new ScriptWalk(drawn, data);
  walk.draw(false);
  drawKeySwitch();
  showTimes();
  restoreNote();
  hold = data.practice ? null : new Hold(data.renew, data.seconds_left, warn, line);
  if (hold && !data.go_on_from && Object.keys(data.answers).length) hold.begun = true;
  page = drawn; // set last: if anything above fails, the browser sends the forms
  if (outbox.has((entry) => entry.kind === "screen")) setBusy(true);
}

// Each branch calls stop() only after it has taken what the form says. If that fails, the browser sends the form.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!page || event.defaultPrevented) return;
  const button = buttonOf(event);
  const stop = () => event.preventDefault();
  if (form.matches("[data-from-start]")) {
    data.go_on_from = "";
    walk.startOver();
    showAnswers(page, {});
    form.hidden = true;
    stop();
  } else if (form.matches("[data-done]")) {
    if (button) change(button.value, stop);
  } else if (form.matches("[data-answer-form]")) {
    takeAnswer(button, stop);
  } else if (form.method === "post" && !data.practice) {
    send(form, button, stop);
  } else if (form.elements.answers) {
    form.elements.answers.value = JSON.stringify(walk.answers);
  }
});

function change(step, stop) {
  walk.change(step);
  stop();
}

function takeAnswer(button, stop) {
  const answer = walk.read(button);
  if (!walk.canGoOn(answer)) {
    say("Choose an answer: what comes next depends on it.");
    return stop();
  }
  if (hold) sendAnswer(walk.current, answer);
  stop();
  say("");
  walk.take(answer);
}

function sendAnswer(step, answer) {
  const values = Array.isArray(answer) ? answer : [answer === null ? "" : String(answer)];
  const fields = [...goesOn(), ["step_id", step], ["seq", nextSeq()], ...values.map((value) => ["answer", value])];
  const asked = walk.step(step).querySelector("legend").textContent;
  outbox.add({ kind: "answer", call: data.call, url: data.answer, fields, step, asked, answer, seq: data.seq });
  hold.begun = true;
}

/* Returns the form field that names the earlier call, if this call continues one. */
const goesOn = () => (data.go_on_from ? [["go_on_from", data.go_on_from]] : []);

/* Returns the sequence number of the next answer. With this number, the server recognises an old copy of an
   answer that arrives late. The number is the current time in milliseconds, so it grows even across reloads and
   tabs. If the clock has been put back, the number grows by one. */
function nextSeq() {
  const sent = outbox.entries.filter((entry) => entry.call === data.call).map((entry) => entry.seq || 0);
  data.seq = Math.max(Date.now(), data.seq + 1, ...sent.map((seq) => seq + 1));
  return data.seq;
}

function send(form, button, stop) {
  const isOutcome = form.matches("[data-outcome-form]");
  if (!callIn(form.action) || (isOutcome && !button)) return; // the browser sends the form
  if (isOutcome && !button.value) return stop(); // Enter in a field
  // A caller who has dialled or tapped an answer has seen this person, so the tap is not for the last person.
  const tooSoon = isOutcome && !hold.begun && Date.now() - drawnAt < NO_OUTCOME_WITHIN_MS;
  if (page.dataset.busy === "yes" || tooSoon) return stop();
  const fields = fieldsOf(form, button).filter(([name]) => name !== "csrf_token" && name !== "go_on_from").concat(goesOn());
  clearTimeout(lateTimer);
  outbox.add({ kind: "screen", call: data.call, url: form.action, fields, isOutcome });
  stop();
  closeSheet();
  setBusy(true);
}

/* Handles an entry that the server has accepted or refused: shows the next contact or page, or says why the entry
   was refused. */
function settle(entry, answer, verdict) {
  if (entry.kind === "answer") return verdict === "saved" || reopenAnswer(entry, answer);
  if (answer.goTo) return location.assign(answer.goTo);
  if (verdict === "saved" && answer.retryAfterMs) return waitForNext(entry, answer);
  if (answer.isJson) return showNext(JSON.parse(answer.text));
  const next = new DOMParser().parseFromString(answer.text, "text/html");
  setBusy(false);
  const waiting = next.querySelector("[data-waiting]");
  if (waiting) return location.replace(waiting.dataset.waiting);
  if (!next.querySelector("#main")) return location.reload();
  if (verdict === "saved") forgetNote();
  draw(next);
  // If the response is the call page, that page says what was wrong with the form. On other pages this message does.
  if (verdict !== "saved" && !page && !entry.isSaved) showError(entry.isOutcome ? OUTCOME_NOT_SAVED : NOT_DONE);
}

/* Goes back to the step if the caller can still correct the answer. Otherwise says that it was not saved. */
function reopenAnswer(entry, answer) {
  const why = errorIn(answer);
  if (page && walk && entry.call === data.call && answer.status === 422 && entry.step in data.script.steps) {
    delete walk.answers[entry.step];
    walk.change(entry.step);
    return say(why);
  }
  showMessage(`Your answer to “${entry.asked || entry.step}” wasn't saved. ${why}`, "");
}

function showError(words) {
  const notice = document.createElement("div");
  notice.className = "flash flash-error";
  notice.setAttribute("role", "alert");
  notice.textContent = words;
  document.getElementById("main").prepend(notice);
}

/* Hides the contact of a call that is saved, if the server is too busy to find the next contact. Sends the outcome
   again later. The response to that request has the next contact. */
function waitForNext(entry, { text, retryAfterMs }) {
  if (!page) return location.replace("/calling/wait");
  forgetNote();
  hold.close();
  setBusy(false); // the caller may leave, or undo the call
  showLate(JSON.parse(text).message);
  lateTimer = setTimeout(() => sendOnceSeen({ ...entry, isSaved: true }), pauseMs(1, retryAfterMs));
}

/* Sends the outcome again when the caller can see the page. A phone in a pocket should not show a person. */
function sendOnceSeen(entry) {
  if (!document.hidden) return outbox.add(entry);
  document.addEventListener("visibilitychange", () => sendOnceSeen(entry), { once: true });
}

/* Shows `words` in place of the contact. With "", shows the contact's part of the page again. */
function showLate(words) {
  for (const part of document.querySelectorAll("[data-call], .call-bar")) part.hidden = Boolean(words);
  showBanner(words);
}

/* Shows, in the open page, a contact that the server sent as JSON. */
function showNext(next) {
  const drawn = page;
  if (next.call !== data.call) forgetNote();
  if (hold) hold.close();
  closeSheet();
  showLate("");
  page = null;
  try {
    drawPerson(drawn, next, scripts.take(next));
    const urls = { answer: aboutCall(data.answer, next), renew: aboutCall(data.renew, next) };
    beginCall(drawn, { ...next, ...urls, script: scripts.shown });
  } catch (error) {
    location.reload(); // the page may show parts of two contacts
    throw error;
  }
  setBusy(false);
  goToTop();
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
  goToTop();
}

function goToTop() {
  scrollTo(0, 0);
  document.getElementById("main").scrollTop = 0;
  const heading = document.querySelector("#main h1");
  if (!heading) return;
  heading.blur(); // a screen reader reads the heading again only if the focus moves
  heading.focus();
}

function setBusy(busy) {
  if (!page) return;
  page.dataset.busy = busy ? "yes" : "";
  const bar = document.querySelector(".call-bar");
  if (bar) bar.classList.toggle("is-sending", busy);
}

function showDown(entries, answer) {
  if (answer && !answer.ours) return showBanner(FOREIGN_ANSWER);
  if (answer) return showBanner([401, 403].includes(answer.status) ? NOT_KNOWN : RESTARTING);
  const outcome = entries.some((entry) => entry.kind === "screen");
  showBanner(outcome ? OFFLINE_WITH_OUTCOME : OFFLINE);
}

function showUp() {
  if (!outbox.entries.length) showBanner("");
}

function showBanner(words) {
  const element = document.querySelector("[data-line-down]");
  if (element.textContent !== words) element.textContent = words;
}

addEventListener("offline", () => showBanner(data && data.practice ? OFFLINE_IN_PRACTICE : OFFLINE));
addEventListener("online", () => outbox.entries.length || showBanner(""));

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

/* Puts a half-written note back after the phone has discarded the tab. */
function restoreNote() {
  const note = document.getElementById("note");
  try {
    const kept = JSON.parse(sessionStorage.getItem(NOTE_KEY) || "{}");
    if (kept.call === data.call && kept.text) {
      note.value = kept.text;
      note.closest("details").open = true;
    }
  } catch (error) {
    // No storage. The note is still sent with the outcome.
  }
}

document.addEventListener("input", ({ target }) => {
  if (target.id !== "note" || !page || data.practice) return;
  try {
    sessionStorage.setItem(NOTE_KEY, JSON.stringify({ call: data.call, text: target.value }));
  } catch (error) {
    // No storage.
  }
});

function forgetNote() {
  try {
    sessionStorage.removeItem(NOTE_KEY);
  } catch (error) {
    // No storage.
  }
}

document.addEventListener("click", (event) => {
  if (hold && event.target.closest("a.dial, [data-copy], [data-phone-dial]")) hold.begun = true;
});

// The back button may show a stored page with a person whom the caller no longer has.
addEventListener("pageshow", (event) => event.persisted && location.reload());

/* Leaves the page, because this person has just been taken off the list. If the call has begun, only says so. */
function takeAway() {
  hold.close();
  if (!hold.begun) return location.replace("/calling/wait");
  warn("They have just been taken off the list. If you're talking, finish, and say how it ended.");
}

let partyIs = "";

function showParty(state) {
  partyIs = `${state.paused} ${state.ended}`;
  if (state.ended) showMessage("The party has ended. Finish this call and save it: it still counts.");
  else showBreak(state);
}

// This event, and the handler `phone` below, are for phone_line.js. Only campaigns that call through a telephone
// service load that module.
document.addEventListener("phonebank:page", ({ detail }) => draw(new DOMParser().parseFromString(detail, "text/html")));

const line = listen({
  phone: () => document.dispatchEvent(new Event("phonebank:phone")),
  removed: () => location.replace("/calling"),
  message: ({ text }) => showMessage(text),
  taken: ({ call }) => page && hold && call === data.call && takeAway(),
  party: showParty,
  // Called when the line is connected, also after it was down, and when the phone wakes. A pause or end that the
  // caller has seen is not shown again.
  state(state) {
    if (partyIs !== `${state.paused} ${state.ended}`) showParty(state);
  },
});

outbox.send();
listenToKeys();
listenToSheet();
listenToUnfold();
begin();
