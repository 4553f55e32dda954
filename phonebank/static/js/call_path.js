/* Which steps of a script have been walked, and which one is on now: the same rules as the server's.

   A script here is { first, main, steps: { id: ways } }. Ways are [[keys, step id], …]: the first
   whose keys hold the answer wins, and keys of null hold any answer. No ways: the call ends there.
   Answers are kept by step id; an id that is there, be it with null, has been gone past. */

const keysOf = (answer) => (Array.isArray(answer) ? answer : answer === null ? [] : [String(answer)]);

export function nextStep(script, id, answer) {
  const given = keysOf(answer);
  const way = script.steps[id].find(([keys]) => keys === null || keys.some((key) => given.includes(key)));
  return way ? way[1] : null;
}

export function walk(script, answers) {
  const walked = [];
  for (let id = script.first; id !== null; ) {
    walked.push(id);
    id = id in answers ? nextStep(script, id, answers[id]) : null;
  }
  return walked;
}

/* Which buttons belong under the thumb: see callers/views/call_page.py. */
export function stageOf(script, answers) {
  if (!script.first) return "plain";
  const main = answers[script.main];
  if (keysOf(main === undefined ? null : main).some((key) => key !== "")) return "conversation";
  return Object.keys(answers).length ? "talking" : "ringing";
}
