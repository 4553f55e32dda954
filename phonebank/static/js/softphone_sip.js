/* A driver of softphone.js that speaks through our own Asterisk, with SIP over a websocket. It needs the
   vendored JsSIP. */

// A browser on one network knows its own addresses at once. Waiting until it has looked for more can take many seconds.
const ADDRESSES_WITHIN_MS = 400;

/* See softphone.js for what a driver takes and returns. */
export function openSipLine(token, microphone, speaker, tell) {
  const { url, name, call } = token.settings;
  const agent = new window.JsSIP.UA({
    sockets: [new window.JsSIP.WebSocketInterface(url)],
    uri: `sip:${name}@phonebank`,
    password: token.secret,
    register: false,
    session_timers: false,
  });
  let session = null;
  let peer = null;
  let over = false;

  function end(state) {
    if (over) return;
    over = true;
    agent.stop();
    tell(state);
  }

  function peerconnection({ peerconnection: made }) {
    peer = made;
    peer.addEventListener("track", (event) => {
      speaker.srcObject = event.streams[0];
    });
  }

  function dial() {
    if (session) return; // the websocket was cut for a moment, and the call went on
    session = agent.call(`sip:${call}@phonebank`, {
      eventHandlers: { peerconnection },
      mediaStream: microphone,
      mediaConstraints: { audio: true, video: false },
      pcConfig: { iceServers: [] },
    });
    session.on("icecandidate", (event) => setTimeout(event.ready, ADDRESSES_WITHIN_MS));
    session.on("confirmed", () => tell("connected"));
    session.on("ended", () => end("ended"));
    session.on("failed", () => end("failed"));
  }

  agent.on("connected", dial);
  agent.on("disconnected", () => session || end("failed"));
  agent.start();
  return {
    mute: (on) => (on ? session.mute({ audio: true }) : session.unmute({ audio: true })),
    press: (key) => session.sendDTMF(key, { transportType: "RFC2833" }),
    hangUp: () => (over ? undefined : agent.terminateSessions()),
    peer: () => peer,
  };
}
