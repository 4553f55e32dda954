/* Keeps a call-out's projector and remote up to date. The module writes figures and names into elements that are
   already on the page, and shows the present step. A projector in a hall is often connected to an old laptop, so
   this module uses only JavaScript that board.js uses too. */

import { open } from "./connection.js";

const root = document.querySelector("[data-call-out]");
const token = root.dataset.callOut;

function write(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

function show(state) {
  for (const element of document.querySelectorAll("[data-figure]")) {
    const value = state[element.dataset.figure];
    write(element, typeof value === "number" ? value.toLocaleString("en-GB") : value);
  }
  if (root.dataset.step !== state.step || root.dataset.ended !== String(state.ended)) {
    // The remote has different buttons at each step, so its page is loaded again.
    if (root.dataset.remote !== undefined) return location.reload();
    root.dataset.step = state.step;
    root.dataset.ended = String(state.ended);
    root.classList.toggle("screen-at-sign-in", state.step === "sign_in");
    for (const part of document.querySelectorAll("[data-at]")) part.hidden = part.dataset.at !== state.step;
    write(document.getElementById("board-status"), document.querySelector("[data-at]:not([hidden]) h2").textContent);
  }
  for (const list of document.querySelectorAll("[data-latest]")) drawNames(list, state.latest);
}

function drawNames(list, rows) {
  const key = JSON.stringify(rows);
  if (list.dataset.shown === key) return;
  list.dataset.shown = key;
  list.textContent = "";
  for (const row of rows) {
    const item = list.appendChild(document.createElement("li"));
    item.appendChild(document.createElement("strong")).textContent = row.name;
    item.appendChild(document.createTextNode(` ${row.area}`));
  }
}

const line = open({
  namespace: "/call-out",
  auth: { token },
  event: "call-out",
  snapshot: () =>
    new Promise((resolve, reject) => {
      line.socket.emit("snapshot", {}, (answer) => (answer.ok ? resolve(answer.board) : reject(new Error("refused"))));
    }),
  show,
  poll: location.pathname,
  refused: () => location.reload(),
});
