/* A driver of softphone.js that speaks through Twilio. It needs the vendored Voice SDK. */

// Without these, the SDK would load each of its sounds from another host.
const KEY = new URL("../sounds/key.wav", import.meta.url).href;
const END = new URL("../sounds/end.wav", import.meta.url).href;
const KEYS = [..."0123456789sh"];

/* See softphone.js for what a driver takes and returns. The SDK plays the sound by itself, without `speaker`. */
export function openTwilioLine(token, microphone, speaker, tell) {
  const sounds = { incoming: KEY, outgoing: KEY, disconnect: END };
  for (const key of KEYS) sounds[`dtmf${key}`] = KEY;
  const device = new window.Twilio.Device(token.secret, {
    codecPreferences: ["opus", "pcmu"],
    getUserMedia: async () => microphone,
    logLevel: "silent",
    sounds,
  });
  let call = null;
  let over = false;
  let sample = null;

  function end(state) {
    if (over) return;
    over = true;
    device.destroy();
    tell(state);
  }

  async function dial() {
    // The server knows whom the line belongs to, and nothing here names a person.
    call = await device.connect({ params: { line: token.settings.line } });
    if (over) return call.disconnect();
    call.on("accept", () => tell("connected"));
    call.on("sample", (newest) => {
      sample = newest;
    });
    call.on("disconnect", () => end("ended"));
    for (const event of ["cancel", "reject", "error"]) call.on(event, () => end("failed"));
  }

  device.on("error", () => call || end("failed"));
  dial().catch(() => end("failed"));
  return {
    mute: (on) => call && call.mute(on),
    press: (key) => call && call.sendDigits(key),
    hangUp() {
      if (call) call.disconnect();
      else end("ended");
    },
    peer: () => sample && { getStats: async () => statisticsOf(sample) },
  };
}

/* Returns a sample of the SDK in the form of a browser's own statistics, in seconds instead of milliseconds. */
function statisticsOf({ totals, jitter, rtt }) {
  return [
    {
      type: "inbound-rtp",
      packetsReceived: totals.packetsReceived,
      packetsLost: totals.packetsLost,
      jitter: jitter / 1000,
    },
    { type: "remote-inbound-rtp", roundTripTime: rtt / 1000 },
  ];
}
