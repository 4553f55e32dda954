/* Finds the steps that a call has walked and the present one, by the same rules as the server.

   A script is { first, main, steps: { id: transitions } }. Transitions are [[keys, step id], …]: the first
   whose keys contain the answer wins, and keys of null take any answer. A step without transitions ends the
   call. `answers` maps step id to answer; a step whose id is in it is done, even if its answer is null. */

const keysOf = (answer) => (Array.isArray(answer) ? answer : answer === null ? [] : [String(answer)]);

export function nextStep(script, id, answer) {
  const given = keysOf(answer);
  const transition = script.steps[id].find(([keys]) => keys === null || keys.some((key) => given.includes(key)));
  return transition ? transition[1] : null;
}

export function walk(script, answers) {
  const walked = [];
  for (let id = script.first; id !== null; ) {
    walked.push(id);
    id = id in answers ? nextStep(script, id, answers[id]) : null;
  }
  return walked;
}

/* The stage of the call, which chooses the buttons under the thumb: see callers/views/call_page.py. */
export function stageOf(script, answers) {
  if (!script.first) return "plain";
  const main = answers[script.main];
  if (keysOf(main === undefined ? null : main).some((key) => key !== "")) return "conversation";
  return Object.keys(answers).length ? "talking" : "ringing";
}
