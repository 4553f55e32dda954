/* A line to the server that mends itself, and a page that is never quietly out of date.

   open({ namespace, auth, event, snapshot, show, silentAfterMs }) returns { socket, close }
     namespace  Socket.IO namespace, such as "/board"
     auth       object sent with each connection
     event      name of the event to follow; it carries { version, ... } and, where versions do not
                count up by one, `follows`: the version it was made from
     snapshot   () => promise of { version, ... }: the whole state, asked for on connecting, on
                waking and on a gap
     show       (state, whole) => void: draw an event, or the whole state when `whole` is true
     silentAfterMs  for a server that says something every few seconds, whatever happens: after how
                long a silence to ask whether it is still there. Left out: never

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

export function open({ namespace, auth, event, snapshot, show, silentAfterMs }) {
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
    lineIsDown(heardAt);
    // The library gives up on a server that refuses. It may only have lost its database.
    if (!socket.active) setTimeout(() => closed || socket.connect(), KNOCK_AGAIN_AFTER_MS);
  });
  socket.on("disconnect", (reason) => {
    if (reason === "io client disconnect") return;
    lineIsDown(heardAt);
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

function within(milliseconds, promise) {
  const late = new Promise((resolve, reject) => {
    setTimeout(() => reject(LATE), milliseconds);
  });
  return Promise.race([promise, late]);
}

/* The banner is the element with data-line-down, whose value may hold the words for it, with
   {time} where the time goes. */
function lineIsDown(since) {
  const banner = document.querySelector("[data-line-down]");
  if (!banner || banner.textContent) return;
  const time = new Date(since).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const words = banner.dataset.lineDown || "The line has been down since {time}. Trying again…";
  banner.textContent = words.replace("{time}", time);
}

function lineIsUp() {
  const banner = document.querySelector("[data-line-down]");
  if (banner) banner.textContent = "";
}
