/* The bar that stays visible on the host's page. It shows who is at the door, who asks for help, and how long
   the break lasts. For a newcomer or a request for help the phone rings and vibrates, unless the host
   switched that off. */

import { closePanels } from "./panels.js";

const SOUND_KEY = "host-sound";
const SENT_FOR_MS = 5000;

const bar = document.querySelector("[data-host-bar]");
const news = (name) => bar.querySelector(`[data-news=${name}]`);

let breakEndsAt = 0; // by this phone's own clock; 0 without a break that has a set end
let notice = "";
let audio = null;

export function drawBar(state) {
  const onBreak = state.break_seconds !== null;
  for (const part of document.querySelectorAll("[data-on-break]")) part.hidden = !onBreak;
  for (const part of document.querySelectorAll("[data-no-break]")) part.hidden = onBreak;
  if (!bar) return;
  // Some newcomers can only be let in by an organiser.
  const admits = state.waiting - state.held;
  news("admit").hidden = !admits;
  news("admit").querySelector("button").textContent = `${admits} at the door · ${admits === 1 ? "let in" : "let all in"}`;
  news("held").hidden = Boolean(admits) || !state.held;
  news("held").textContent = `${state.held} at the door`;
  news("help").hidden = !state.helping;
  news("help").textContent = `${state.helping} ${state.helping === 1 ? "asks" : "ask"} for help`;
  breakEndsAt = state.break_seconds ? Date.now() + 1000 * state.break_seconds : 0;
  notice = onBreak ? state.notice : "";
  drawBreak();
}

function drawBreak() {
  const left = Math.max(0, Math.ceil((breakEndsAt - Date.now()) / 1000));
  const clock = breakEndsAt ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` : "";
  bar.querySelector("[data-break-words]").textContent = clock ? `${notice} · ${clock} left` : notice;
  bar.querySelector("[data-break-label]").textContent = clock || (notice ? "On a break" : "Break");
}

/* Plays a sound and vibrates once, where the browser allows it. */
export function alertHost() {
  if (!bar || isQuiet()) return;
  if (navigator.vibrate) navigator.vibrate([120, 80, 120]);
  if (!audio || audio.state !== "running") return;
  playTone(660, 0);
  playTone(880, 0.18);
}

function playTone(hertz, afterSeconds) {
  const from = audio.currentTime + afterSeconds;
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.frequency.value = hertz;
  volume.gain.setValueAtTime(0.0001, from);
  volume.gain.exponentialRampToValueAtTime(0.25, from + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, from + 0.4);
  tone.connect(volume);
  volume.connect(audio.destination);
  tone.start(from);
  tone.stop(from + 0.45);
}

/* Prepares for sounds at a touch or a key, because browsers play no sound before that. */
function unlockSound() {
  const Context = window.AudioContext || window.webkitAudioContext;
  if (!audio && Context) audio = new Context();
  if (audio && audio.state === "suspended") audio.resume();
}

function isQuiet() {
  try {
    return localStorage.getItem(SOUND_KEY) === "off";
  } catch (error) {
    return false; // no storage
  }
}

function keepQuiet(quiet) {
  try {
    localStorage.setItem(SOUND_KEY, quiet ? "off" : "on");
  } catch (error) {
    // No storage: the sound stays on.
  }
}

function listenToBar() {
  const sound = bar.querySelector("[data-sound]");
  const showSound = () => {
    sound.lastElementChild.textContent = isQuiet() ? "Sound off" : "Sound on";
    sound.classList.toggle("is-off", isQuiet());
  };
  sound.hidden = false;
  showSound();
  sound.addEventListener("click", () => {
    keepQuiet(!isQuiet());
    showSound();
    alertHost();
  });
  document.addEventListener("pointerdown", unlockSound);
  document.addEventListener("keydown", unlockSound);

  // The list of people says who asks for help and why. It may be a moment older than the bar.
  news("help").addEventListener("click", (event) => {
    if (document.getElementById("asking")) return;
    event.preventDefault();
    document.getElementById("people").scrollIntoView();
  });
  bar.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful) return;
    closePanels();
    const form = event.target.closest("[data-message]");
    if (!form) return;
    showSent(form.elements.text.value);
    form.reset();
  });
  setInterval(() => breakEndsAt && drawBreak(), 500);
}

let sentTimer = null;

function showSent(words) {
  const sent = bar.querySelector("[data-sent]");
  sent.hidden = false;
  sent.textContent = `Sent to callers and the board: “${words}”`;
  clearTimeout(sentTimer);
  sentTimer = setTimeout(() => (sent.hidden = true), SENT_FOR_MS);
}

if (bar) listenToBar();
