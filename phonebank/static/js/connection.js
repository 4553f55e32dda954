/* A line to the server that mends itself, and a page that is never quietly out of date.

   open({ namespace, auth, event, snapshot, show, silentAfterMs, poll, refused }) returns { socket, close }
     namespace  Socket.IO namespace, such as "/board"
     auth       object sent with each connection
     event      name of the event to follow; it carries { version, ... } and, where versions do not
                count up by one, `follows`: the version it was made from
     snapshot   () => promise of { version, ... }: the whole state, asked for on connecting, on
                waking and on a gap
     show       (state, whole) => void: draw an event, or the whole state when `whole` is true
     silentAfterMs  for a server that says something every few seconds, whatever happens: after how
                long a silence to ask whether it is still there. Left out: never
     poll       address of the same state as { board } in JSON: asked every few seconds, and the banner
                says so, while a network lets no websocket through. Left out: never
     refused    (status) => void: what the poll found is not to be had by this page any more

   An event that is old is dropped. One that leaves a gap is dropped too and a snapshot asked for,
   so that what is shown is always some true state of the server, and soon its newest. A line may be
   cut without a word, and the browser would notice only when a ping is missed: after a silence, and
   on waking, the snapshot is a question that must be answered soon, or the line is made anew. After
   close() the line stays shut, as it should for a caller who was removed.
   Needs the vendored socket.io script, which defines window.io. */

const ANSWER_WITHIN_MS = 8000;
const ASK_AGAIN_AFTER_MS = 2000;
const KNOCK_AGAIN_AFTER_MS = 5000;
// For a server that may be gone. One that is only slow has said something else meanwhile.
const STILL_THERE_WITHIN_MS = 1500;
const LISTEN_EVERY_MS = 500;
// A timer that comes this much late was asleep. Timers of a busy page come late by less.
const SLEPT_MS = 3000;
// By then the server has hung up (PING_EVERY and PING_ANSWER_WITHIN of live/server.py).
const SURELY_GONE_MS = 30000;
// A thousand boards must not keep knocking at a server that is up and says nothing.
const PATIENCE_AT_MOST_MS = 60000;
// A websocket that some network swallows fails without a word. One that works is there sooner.
const CONNECTED_WITHIN_MS = 3000;
const POLL_EVERY_MS = 4000;
// A server that restarts is back within two.
const POLLS_BEFORE_SAYING_SO = 2;
// Phonebank's own refusals of a page, as against "not now".
const REFUSED = [401, 403, 404, 410];

export function open({ namespace, auth, event, snapshot, show, silentAfterMs, poll, refused }) {
  const socket = window.io(namespace, {
    transports: ["websocket"],
    auth,
    reconnectionDelay: 500,
    reconnectionDelayMax: 5000,
  });
  let shown = null; // version on the screen
  let heardOf = null; // newest version that any event named
  let question = 0; // counts snapshots asked for; an answer to an older one is ignored
  let asking = false;
  let closed = false;
  let heardAt = Date.now(); // when the server last said anything
  let listenedAt = Date.now();
  let patience = silentAfterMs; // doubled by each line that was made anew in vain
  let polled = 0; // polls in a row that brought the state, since the line was last up
  let pollTimer = null;

  async function catchUp() {
    await ask(ANSWER_WITHIN_MS, () => {});
  }

  /* Asks whether the server is still there. */
  async function probe() {
    const askedAt = Date.now();
    await ask(STILL_THERE_WITHIN_MS, (error) => {
      if (error === LATE && heardAt > askedAt) return;
      lineIsDown(heardAt);
      if (error !== LATE || !socket.connected) return;
      patience = Math.min(2 * patience, PATIENCE_AT_MOST_MS);
      socket.io.engine.close();
    });
  }

  async function ask(milliseconds, onFailure) {
    const mine = ++question;
    asking = true;
    try {
      const state = await within(milliseconds, snapshot());
      if (mine !== question) return;
      asking = false;
      heard();
      if (shown === null || state.version >= shown) {
        shown = state.version;
        show(state, true);
      }
      lineIsUp();
      // An event that came while we asked may be newer than the answer.
      if (heardOf !== null && heardOf > shown) catchUp();
    } catch (error) {
      if (mine !== question) return;
      asking = false;
      onFailure(error);
      setTimeout(() => mine === question && socket.connected && catchUp(), ASK_AGAIN_AFTER_MS);
    }
  }

  /* Polls until the line is up: at once, or with the delay of the next round. */
  function pollUntilConnected(milliseconds) {
    if (!poll || pollTimer !== null || closed) return;
    pollTimer = setTimeout(async () => {
      if (!closed && !socket.connected && !document.hidden) await pollOnce();
      pollTimer = null;
      if (socket.connected) polled = 0;
      else pollUntilConnected(POLL_EVERY_MS);
    }, milliseconds * (0.75 + Math.random() / 2));
  }

  async function pollOnce() {
    try {
      const state = await within(ANSWER_WITHIN_MS, overHttp(poll, refused));
      if (socket.connected) return;
      heard();
      if (shown === null || state.version >= shown) {
        shown = state.version;
        show(state, true);
      }
      polled += 1;
      if (polled >= POLLS_BEFORE_SAYING_SO) lineIsPolled();
      else lineIsUp();
    } catch (error) {
      polled = 0;
      if (!socket.connected) lineIsDown(heardAt);
    }
  }

  /* The line is down, unless polls take its place. */
  function lost() {
    if (!poll) lineIsDown(heardAt);
    else pollUntilConnected(polled ? POLL_EVERY_MS : 0);
  }
  setTimeout(() => socket.connected || lost(), CONNECTED_WITHIN_MS);

  function heard() {
    heardAt = Date.now();
    patience = silentAfterMs;
  }
  socket.onAny(heard);
  socket.io.on("ping", heard);
  socket.on("connect", () => {
    heardAt = Date.now();
    catchUp();
  });
  socket.on("connect_error", () => {
    lost();
    // The library gives up on a server that refuses. It may only have lost its database.
    if (!socket.active) setTimeout(() => closed || socket.connect(), KNOCK_AGAIN_AFTER_MS);
  });
  socket.on("disconnect", (reason) => {
    if (reason === "io client disconnect") return;
    lineIsDown(heardAt);
    lost();
    // Nor does it come back by itself when the server hung up.
    if (reason === "io server disconnect") socket.connect();
  });
  socket.on(event, (state) => {
    if (heardOf === null || state.version > heardOf) heardOf = state.version;
    if (shown !== null && state.version <= shown) return;
    // One that follows nothing is whole: it need not wait for an answer that may never come.
    const follows = state.follows === undefined ? state.version - 1 : state.follows;
    if (follows !== 0 && (shown === null || asking)) return;
    if (follows > shown) {
      catchUp();
      return;
    }
    lineIsUp();
    shown = state.version;
    show(state, false);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    const slept = Date.now() - listenedAt;
    listenedAt = Date.now(); // so that the timer, which comes late too, does not wake it again
    wake(slept);
  });
  const listening = setInterval(() => {
    const late = Date.now() - listenedAt;
    listenedAt = Date.now();
    // Timers of a hidden page are kept late on purpose.
    if (document.hidden) return;
    if (late > SLEPT_MS) wake(late);
    else if (silentAfterMs && socket.connected && !asking && Date.now() - heardAt > patience) {
      probe();
    }
  }, LISTEN_EVERY_MS);

  function wake(slept) {
    if (closed) return;
    if (socket.connected && slept < SURELY_GONE_MS) {
      probe();
    } else if (socket.active) {
      // Somebody is looking: do not sit out the rest of the wait between two attempts.
      const heardLast = heardAt;
      socket.disconnect();
      socket.connect();
      setTimeout(() => heardAt === heardLast && !closed && lineIsDown(heardAt), STILL_THERE_WITHIN_MS);
    }
  }

  function close() {
    closed = true;
    clearInterval(listening);
    socket.disconnect();
  }
  return { socket, close };
}

const LATE = new Error("no answer in time");

/* The state from an address; only Phonebank's own answer counts (see phonebank/core/phonebank_headers.py). */
async function overHttp(url, refused) {
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  if (!answer.headers.has("X-Phonebank")) throw new Error("somebody else answered");
  if (REFUSED.includes(answer.status)) refused(answer.status);
  if (!answer.ok) throw new Error(answer.status);
  return (await answer.json()).board;
}

function within(milliseconds, promise) {
  const late = new Promise((resolve, reject) => {
    setTimeout(() => reject(LATE), milliseconds);
  });
  return Promise.race([promise, late]);
}

/* The banner is the element with data-line-down, whose value may hold the words for it, with
   {time} where the time goes. */
function banner(state, words) {
  const element = document.querySelector("[data-line-down]");
  if (!element || (element.dataset.line || "") === state) return;
  element.dataset.line = state;
  element.textContent = words(element);
}

function lineIsDown(since) {
  const time = new Date(since).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  banner("down", (element) => {
    const words = element.dataset.lineDown || "The connection has been down since {time}. Trying again…";
    return words.replace("{time}", time);
  });
}

function lineIsPolled() {
  banner("polled", () => "Live updates don't get through on this network. This page checks every few seconds instead.");
}

function lineIsUp() {
  banner("", () => "");
}
