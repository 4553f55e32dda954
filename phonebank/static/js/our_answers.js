/* Finds out which answers come from Phonebank itself, and whether they say that a change to a call was saved or
   refused (phonebank/core/phonebank_headers.py). */

const OURS = "X-Phonebank";
const CALL = "X-Phonebank-Call";
const STALE_FORM = "X-Phonebank-Stale-Form";
const GO_TO = "X-Phonebank-Go-To";

/* Sends a request and returns the whole answer. Rejects if no answer comes in time. `ours` is true if Phonebank made
   the answer. `verdictOn(call)` is "saved" or "refused" if the answer says so about that call, otherwise "". */
export async function ask(url, options, withinMs) {
  // Not AbortSignal.timeout, which Safari has since 16 and Chrome since 103.
  const abort = new AbortController();
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error("no answer in time"));
      abort.abort();
    }, withinMs);
  });
  const whole = fetch(url, { ...options, signal: abort.signal }).then(async (response) =>
    read(response, await response.text()),
  );
  try {
    return await Promise.race([whole, late]);
  } finally {
    clearTimeout(timer);
  }
}

/* Throws TypeError in a browser that lacks what `ask` needs, so that the browser sends the form itself. */
export function canAsk() {
  new AbortController();
  if (typeof fetch !== "function") throw new TypeError("this browser has no fetch");
}

function read({ status, headers }, text) {
  const ours = headers.has(OURS);
  const [call, verdict] = ((ours && headers.get(CALL)) || "").split(" ");
  return {
    status,
    ok: ours && status < 300,
    text,
    isJson: /json/.test(headers.get("Content-Type")),
    ours,
    stale: ours && headers.has(STALE_FORM),
    goTo: (ours && headers.get(GO_TO)) || "",
    // A foreign Retry-After says nothing about when Phonebank answers again.
    retryAfterMs: ours ? milliseconds(headers.get("Retry-After")) : 0,
    verdictOn: (id) => (id && id === call && verdict) || "",
  };
}

/* Returns the milliseconds that a Retry-After header asks for. Its value is a number of seconds or a date. */
function milliseconds(value) {
  if (!value) return 0;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Math.max(0, wait) || 0;
}

/* Returns the error in one of our JSON answers as one string, or "" if it has none. */
export function errorIn(answer) {
  try {
    const { message, what_to_do: whatToDo } = JSON.parse(answer.text).error;
    return `${message} ${whatToDo}`.trim();
  } catch (error) {
    return "";
  }
}

/* Returns the pause before the next try, in milliseconds. It grows with each failure, differs between phones, and is
   at least what the server asked for. If that is more than ten times `mostMs`, only ten times `mostMs` counts. */
export function pauseMs(failures, retryAfterMs = 0, firstMs = 1000, mostMs = 30000) {
  const grown = Math.min(firstMs * 2 ** Math.min(failures - 1, 20), mostMs) * (0.5 + Math.random());
  const asked = Math.min(retryAfterMs, 10 * mostMs) * (1 + Math.random() / 2);
  return Math.max(grown, asked);
}
