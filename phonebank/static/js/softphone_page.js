/* Puts the softphone on a caller's pages, and lets its button connect this browser. */

import { csrfToken } from "./csrf.js";
import { ask, errorIn } from "./our_answers.js";
import { softphone } from "./softphone.js";

const ANSWER_WITHIN_MS = 10000;

const root = document.querySelector("[data-softphone]");

/* Tells the server that the caller speaks through this browser. */
async function connect() {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  const options = { method: "POST", body: new URLSearchParams({ browser: "yes" }), headers };
  const answer = await ask(root.dataset.connect, options, ANSWER_WITHIN_MS);
  if (!answer.ok) throw new Error(errorIn(answer));
}

const phone = softphone(root, connect);
for (const button of root.querySelectorAll("[data-softphone-start]")) {
  button.addEventListener("click", phone.start);
}
