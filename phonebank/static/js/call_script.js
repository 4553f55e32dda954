/* Shows one step of the script after another. All steps are on the page already, so this works offline. */

import { foldTip, measureBand } from "./call_learned.js";
import { barOf, nextStep, stageOf, stepsAhead, walk } from "./call_path.js";

// On a wide screen the person is beside the script (phonebank.css), so the page need not scroll up.
const BESIDE = matchMedia("(min-width: 60rem)");

const TALKED = "Save: we talked · next person";

export class ScriptWalk {
  constructor(page, { script, answers, go_on_from }) {
    this.page = page;
    this.script = script;
    this.answers = answers;
    this.changing = null;
    this.goesOn = Boolean(go_on_from); // true while this call has only the answers of an earlier one
  }

  get current() {
    if (!this.script.first) return null;
    const walked = walk(this.script, this.answers);
    return walked.includes(this.changing) ? this.changing : walked[walked.length - 1];
  }

  step(id) {
    return this.page.querySelector(`[data-step="${CSS.escape(id)}"]`);
  }

  /* Returns the answer in the present step's fields or on the pressed button, or null. */
  read(button) {
    const step = this.step(this.current);
    const kind = step.dataset.kind;
    if (button && button.name === "answer") return valueOf(kind, button.value);
    if (kind === "several") {
      const ticked = [...step.querySelectorAll("[name=answer]:checked")].map((box) => box.value);
      return ticked.length ? ticked : null;
    }
    const field = step.querySelector("input[name=answer], textarea[name=answer]");
    return field ? valueOf(kind, field.value) : null;
  }

  /* Whether the call can go on from this step. It can't if the next step depends on an answer that is
     missing. */
  canGoOn(answer) {
    const id = this.current;
    return !this.script.steps[id].length || nextStep(this.script, id, answer) !== null;
  }

  /* Takes an answer and shows the next step. */
  take(answer) {
    this.answers[this.current] = answer;
    this.goesOn = false;
    this.changing = null;
    this.draw();
  }

  /* Forgets the answers of an earlier call. */
  startOver() {
    this.answers = {};
    this.changing = null;
    this.goesOn = false;
    this.draw();
  }

  change(id) {
    this.changing = id;
    this.draw();
  }

  draw(moveFocus = true) {
    const bar = document.querySelector("[data-stage]");
    if (bar) bar.dataset.stage = stageOf(this.script, this.goesOn ? {} : this.answers);
    if (!this.script.first) {
      if (bar) this.drawBar(bar, null, {});
      return;
    }
    const current = this.current;
    for (const step of this.page.querySelectorAll("[data-step]")) {
      step.hidden = step.disabled = step.dataset.step !== current;
    }
    const step = this.step(current);
    markChosen(step, this.answers[current]);
    foldTip(this.page, step);
    this.drawDone(current);
    if (bar) this.drawBar(bar, current, step.dataset);
    this.drawProgress(current);
    if (!moveFocus) return;
    step.querySelector("legend").focus({ preventScroll: true });
    measureBand(this.page);
    step.scrollIntoView({ block: BESIDE.matches ? "nearest" : "start" });
  }

  drawBar(bar, current, { kind, outcome }) {
    const hasAnswers = kind === "choice" || kind === "scale";
    const ringing = hasAnswers ? "ringing" : "ringing-next";
    bar.dataset.bar = this.goesOn ? ringing : barOf(this.script, this.answers, current, hasAnswers, outcome);
    const save = bar.querySelector(".bar-save");
    save.value = outcome || "talked";
    if (save.dataset.words) return; // a practice call has other words
    const tile = bar.querySelector(`[data-second-sheet="${save.value}"] > summary > span, .sheet button[value="${save.value}"] > span`);
    save.textContent = save.value === "talked" ? TALKED : `${tile.textContent} · next person`;
  }

  drawProgress(current) {
    const ahead = stepsAhead(this.script, current);
    const steps = walk(this.script, this.answers);
    const at = steps.indexOf(current) + 1;
    const words = ahead ? `Step ${at} of about ${Math.round(at + ahead)}` : "Last step";
    this.page.querySelector("[data-how-many-steps]").textContent = words;
  }

  drawDone(current) {
    const done = walk(this.script, this.answers).filter((id) => id in this.answers && id !== current);
    const rows = done.map((id) => {
      const row = document.getElementById("done-step").content.firstElementChild.cloneNode(true);
      const title = this.step(id).querySelector("legend").textContent;
      row.querySelector(".step-question").textContent = title;
      row.querySelector(".step-answer").append(describeAnswer(this.step(id), this.answers[id]));
      row.querySelector("button").value = id;
      row.querySelector("button .visually-hidden").textContent = ` what you noted at: ${title}`;
      return row;
    });
    const list = this.page.querySelector("[data-done-steps]");
    list.textContent = "";
    list.append(...rows);
  }
}


function valueOf(kind, text) {
  const value = text.trim();
  if (value === "") return null;
  return kind === "scale" || kind === "number" ? Number(value) : value;
}

function markChosen(step, answer) {
  for (const button of step.querySelectorAll("button[name=answer]")) {
    if (answer !== undefined && answer !== null && button.value === String(answer)) {
      button.setAttribute("aria-pressed", "true");
    } else {
      button.removeAttribute("aria-pressed");
    }
  }
}


function describeAnswer(step, answer) {
  if (answer === null) return "Done";
  const keys = Array.isArray(answer) ? answer : [String(answer)];
  const label = (key) => {
    const choice = step.querySelector(`[name=answer][value="${CSS.escape(key)}"]`);
    const words = choice && (choice.querySelector(".answer-label") || choice.closest("label"));
    return words ? words.textContent.trim() : key;
  };
  return keys.map(label).join(", ");
}
