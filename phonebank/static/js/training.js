/* Renews a trainer's page when somebody has come in, finished or been marked. Without this module the trainer
   reloads the page. */

import { isFormOnItsWay } from "./forms.js";
import { ask, canAsk } from "./our_answers.js";

const EVERY_MS = 4000;
const list = document.querySelector("[data-training]");

async function renew() {
  const answer = await ask(list.dataset.training, { headers: { Accept: "application/json" } }, EVERY_MS);
  if (!answer.ok || !answer.isJson) return;
  const count = JSON.parse(answer.text).count.join(",");
  // A reload while a finger is on a button would lose the tap.
  const isPressing = document.querySelector("button:active") || isFormOnItsWay();
  if (count !== list.dataset.count && !isPressing) location.reload();
}

if (list) {
  canAsk();
  setInterval(() => renew().catch(() => {}), EVERY_MS);
}
