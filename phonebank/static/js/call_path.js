/* Finds the steps that a call has passed, and its present step, by the same rules as the server.

   A script is { first, main, steps: { id: transitions } }. Transitions are [[keys, step id], …]. The first
   transition whose keys include the answer applies. Keys of null accept any answer. A step without transitions
   ends the call. A step whose id is in `answers` is done, even if its answer is null. */

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

/* Returns the stage of the call, which decides which buttons the bar shows
   (callers/views/call_view_model.py). */
export function stageOf(script, answers) {
  if (!script.first) return "plain";
  const main = answers[script.main];
  if (keysOf(main === undefined ? null : main).some((key) => key !== "")) return "conversation";
  return Object.keys(answers).length ? "talking" : "ringing";
}

/* Estimates how many steps follow a step: the mean over the next steps, without those that end the call
   early. A script has no loops. */
export function stepsAhead(script, id, known = new Map()) {
  if (!known.has(id)) {
    const next = [...new Set(script.steps[id].map(([, target]) => target))];
    const ahead = next.map((target) => 1 + stepsAhead(script, target, known));
    const longer = ahead.filter((count) => count > 1);
    const counted = longer.length ? longer : ahead;
    known.set(id, counted.length ? counted.reduce((sum, count) => sum + count, 0) / counted.length : 0);
  }
  return known.get(id);
}

/* Returns which buttons the bar has (see bar() in callers/templates/callers/_outcomes.html). `hasAnswers` is
   true if the present step has answer buttons. `outcome` is the outcome that the step sets for a call that
   ends with it, if any. */
export function barOf(script, answers, id, hasAnswers, outcome) {
  const stage = stageOf(script, answers);
  if (stage === "plain") return "plain";
  if (!script.steps[id].length) {
    if (outcome === "call_back") return "call-back";
    return outcome || stage === "conversation" ? "save" : "ask";
  }
  if (stage === "ringing") return hasAnswers ? "ringing" : "ringing-next";
  return hasAnswers ? "answers" : "next";
}
