/* The softphone: a caller speaks through the browser instead of their own telephone. Only
   pages on which callers can do that load it, after everything else.

   A driver opens the line: openXLine(token, microphone, speaker, tell). `token` is the server's answer to
   data-token (callers/views/softphone.py), `microphone` a MediaStream, `speaker` an audio element.
   The driver calls tell("connected"), and later tell("ended") or tell("failed"). It returns { mute(on), press(key),
   hangUp(), peer() }; peer() returns the RTCPeerConnection, or null. */

import { csrfToken } from "./csrf.js";
import { ask, errorIn } from "./our_answers.js";
import { openSipLine } from "./softphone_sip.js";
import { openTwilioLine } from "./softphone_twilio.js";

const DRIVERS = { sip: openSipLine, twilio: openTwilioLine };
// The dialler makes the line within a moment of connecting. Until then the server refuses a sign-in.
const TOKEN_AGAIN_MS = 500;
const TOKEN_TRIES = 60;
const ANSWER_WITHIN_MS = 10000;
const QUALITY_EVERY_MS = 2000;
const LEVEL_EVERY_MS = 100;

/* Shows the parts of `root` whose data-softphone-in has this state, and hides the others. */
function show(root, state) {
  root.dataset.softphone = state;
  for (const part of root.querySelectorAll("[data-softphone-in]")) {
    part.hidden = !part.dataset.softphoneIn.split(" ").includes(state);
  }
  // phone_line.js then asks the server for the state of the line.
  document.dispatchEvent(new Event("phonebank:phone"));
}

/* Makes the softphone of the element `root`, whose parts are in callers/_softphone.html. `connect()` asks the server
   for a line. If that fails, the promise rejects with a message for the caller. Returns { start, stop }. */
export function softphone(root, connect) {
  const speaker = root.querySelector("audio");
  const said = root.querySelector("[data-softphone-said]");
  const quality = root.querySelector("[data-softphone-quality]");
  const muteButton = root.querySelector("[data-softphone-mute]");
  let line = null;
  let microphone = null;
  let watch = 0;
  let deafen = () => {};

  function finish(state, words = "") {
    clearInterval(watch);
    deafen();
    if (microphone) microphone.getTracks().forEach((track) => track.stop());
    microphone = line = null;
    said.textContent = words;
    show(root, state);
  }

  function tell(state) {
    if (state !== "connected") return finish(state);
    show(root, "on");
    const judge = judgeOf();
    watch = setInterval(async () => {
      const peer = line && line.peer();
      if (peer) quality.textContent = root.dataset[judge(await peer.getStats())] || "";
    }, QUALITY_EVERY_MS);
  }

  async function start() {
    if (line || root.dataset.softphone === "connecting") return;
    if (!navigator.mediaDevices || !window.RTCPeerConnection) return show(root, "unsupported");
    show(root, "asking");
    try {
      microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (error) {
      return finish(error.name === "NotFoundError" ? "missing" : "refused");
    }
    show(root, "connecting");
    deafen = showLevel(microphone, root.querySelector("meter"));
    try {
      await connect();
      const token = await tokenOf(root.dataset.token);
      await library(token);
      line = DRIVERS[token.driver](token, microphone, speaker, tell);
    } catch (error) {
      finish("failed", error.message);
    }
  }

  function stop() {
    if (line) line.hangUp();
  }

  muteButton.addEventListener("click", () => {
    if (!line) return;
    const on = muteButton.getAttribute("aria-pressed") !== "true";
    line.mute(on);
    muteButton.setAttribute("aria-pressed", String(on));
  });
  root.addEventListener("click", ({ target }) => {
    const key = target.closest && target.closest("[data-softphone-key]");
    if (key && line) line.press(key.value);
  });
  // The line ends if the caller leaves the page. So the browser asks first.
  window.addEventListener("beforeunload", (event) => line && event.preventDefault());
  window.addEventListener("pagehide", stop);
  show(root, "off");
  return { start, stop };
}

/* Shows how loud the microphone is, so that a caller sees whether it works. Returns a function that ends this. */
function showLevel(microphone, meter) {
  const Context = window.AudioContext || window.webkitAudioContext;
  if (!Context) return () => {};
  const context = new Context();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(microphone).connect(analyser);
  const samples = new Uint8Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getByteTimeDomainData(samples);
    meter.value = samples.reduce((most, sample) => Math.max(most, Math.abs(sample - 128)), 0);
  }, LEVEL_EVERY_MS);
  return () => {
    clearInterval(timer);
    context.close();
  };
}

/* Asks the server for the sign-in of the caller's line, again and again until the line has been made, but at most
   TOKEN_TRIES times. */
async function tokenOf(url) {
  for (let tries = 1; ; tries += 1) {
    const options = { method: "POST", headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" } };
    const answer = await ask(url, options, ANSWER_WITHIN_MS);
    if (answer.ok) return JSON.parse(answer.text);
    if (answer.status !== 409 || tries === TOKEN_TRIES) throw new Error(errorIn(answer));
    await new Promise((resolve) => setTimeout(resolve, TOKEN_AGAIN_MS));
  }
}

/* Loads the provider's library, once. */
function library({ library: { url, integrity } }) {
  if (document.querySelector(`script[src="${url}"]`)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.onload = resolve;
    script.onerror = () => {
      script.remove();
      reject(new Error(""));
    };
    script.integrity = integrity;
    script.src = url;
    document.head.append(script);
  });
}

/* Returns a function that judges a line by its newest statistics: "good", "fair", "poor", or "" without sound. The
   function counts only the packets that came in or got lost since it was last called. */
export function judgeOf() {
  let before = { received: 0, missed: 0 };
  return (statistics) => {
    let jitter = 0;
    let trip = 0;
    const now = { received: 0, missed: 0 };
    statistics.forEach((entry) => {
      if (entry.type === "inbound-rtp") {
        now.received += entry.packetsReceived || 0;
        now.missed += entry.packetsLost || 0;
        jitter = Math.max(jitter, entry.jitter || 0);
      }
      if (entry.type === "remote-inbound-rtp") trip = Math.max(trip, entry.roundTripTime || 0);
    });
    const received = now.received - before.received;
    const missed = Math.max(0, now.missed - before.missed);
    before = now;
    const share = missed / Math.max(1, received + missed);
    if (!received) return ""; // no sound came in
    if (share > 0.08 || trip > 0.6) return "poor";
    return share > 0.02 || jitter > 0.05 || trip > 0.3 ? "fair" : "good";
  };
}
