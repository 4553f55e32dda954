/* A phone without a browser. It has what our modules use of a browser, a clock that the test moves, and a
   network that does what the test says. Answers are real Response objects. */

export const CALL = "01a22367-ce54-72ae-99ea-1dafbc3a96a2";
export const OTHER_CALL = "01a22367-ce54-72ae-99ea-1dafbc3a96a3";
export const OUTCOME = { kind: "screen", url: `https://phones.example/calling/person/${CALL}/outcome?turn=0`, fields: [["outcome", "busy"]] };
export const ANSWER = { kind: "answer", url: `/calling/person/${CALL}/answers?turn=0`, fields: [["step_id", "a"], ["answer", "1"]] };

export const ours = (status, headers = {}, body = "") => () =>
  new Response(body, { status, headers: { "X-Phonebank": "1", ...headers } });
export const saved = (body) => ours(200, { "X-Phonebank-Call": `${CALL} saved` }, body);
export const refused = (status, body) => ours(status, { "X-Phonebank-Call": `${CALL} refused` }, body);
export const foreign = (status, headers = {}) => () => new Response("<html><h1>Welcome to our Wi-Fi</h1></html>", { status, headers });
export const noAnswer = () => {
  throw new TypeError("Failed to fetch");
};
export const silence = () => new Promise(() => {});
export const cutShort = () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new TypeError("network error")) });
  return new Response(body, { status: 200, headers: { "X-Phonebank": "1", "X-Phonebank-Call": `${CALL} saved` } });
};

// Modules use this as soon as they are loaded.
globalThis.document = { addEventListener() {} };

export class Phone {
  constructor(network) {
    this.network = network; // makes the answers to the next requests, in turn; the last one again and again
    this.sent = []; // [url, the request's headers, its body]
    this.pauses = []; // the pauses between tries, in milliseconds
    this.now = 1_000_000;
    this.timers = new Map();
    this.listeners = {};
    this.meta = { content: "of yesterday" };
    this.store = {};
    const phone = this;
    Object.assign(globalThis, {
      sessionStorage: {
        getItem: (key) => phone.store[key] ?? null,
        setItem: (key, value) => (phone.store[key] = value),
        removeItem: (key) => delete phone.store[key],
      },
      addEventListener: (name, heard) => (phone.listeners[name] = heard),
      document: {
        hidden: false,
        addEventListener: (name, heard) => (phone.listeners[name] = heard),
        querySelector: () => phone.meta,
        querySelectorAll: () => [],
      },
      fetch: async (url, options = {}) => {
        phone.sent.push([url, options.headers, String(options.body ?? "")]);
        const meets = phone.network.length > 1 ? phone.network.shift() : phone.network[0];
        return meets(url, options);
      },
      setTimeout: (run, wait) => {
        const id = Symbol("timer");
        phone.timers.set(id, { run, at: phone.now + wait, wait });
        return id;
      },
      clearTimeout: (id) => phone.timers.delete(id),
    });
    Date.now = () => this.now;
  }

  /* Lets everything happen that needs no time. */
  async settle() {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  }

  /* Lets time go by until the next timer has run. */
  async next() {
    await this.settle();
    const [id, timer] = [...this.timers].sort(([, a], [, b]) => a.at - b.at)[0];
    this.timers.delete(id);
    this.pauses.push(timer.at - this.now);
    this.now = Math.max(this.now, timer.at);
    timer.run();
    await this.settle();
  }
}
