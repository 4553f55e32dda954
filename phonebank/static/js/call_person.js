/* Shows the next contact in the open call page, in the places that person.html marks. Words from a list are
   inserted as text, never as HTML. */

import { fillSlots } from "./call_words.js";
import { csrfToken } from "./csrf.js";

/* Returns the same address with another call's id and turn. */
export function aboutCall(url, { call, turn }) {
  return url.replace(/\/person\/[0-9a-f-]{36}\//, `/person/${call}/`).replace(/\bturn=\d+/, `turn=${turn}`);
}

/* next: the contact's data from the server (callers/views/call_data.py). words: the words of the script, or null if
   the page shows that script already. */
export function drawPerson(page, next, words) {
  const { person } = next;
  close(page);
  if (words) drawScript(page, words);
  fillSlots(page, next.values);
  page.dataset.call = next.call;
  fill(page, person);
  page.querySelector("[data-tel]").href = `tel:${person.phone}`;
  page.querySelector("[data-copy-number] [data-copy]").dataset.copy = person.phone;
  drawPicture(page.querySelector("[data-qr]"), next);
  for (const form of document.forms) form.action = aboutCall(form.action, next);
  drawHousehold(page, next);
  drawToast(next.toast);
}

/* Puts answers into the fields of their steps, and empties all other fields. */
export function showAnswers(page, answers) {
  for (const step of page.querySelectorAll("[data-step]")) {
    const answer = answers[step.dataset.step];
    const keys = Array.isArray(answer) ? answer : answer === undefined || answer === null ? [] : [String(answer)];
    for (const field of step.querySelectorAll("input[name=answer], textarea[name=answer]")) {
      if (field.type === "checkbox") field.checked = field.defaultChecked = keys.includes(field.value);
      else field.value = field.defaultValue = keys.join();
    }
  }
}

/* Removes what is left of the last call: open parts, half-filled fields, warnings. */
function close(page) {
  for (const open of document.querySelectorAll("details[open]:not([data-more])")) open.open = false;
  document.getElementById("outcome").reset();
  for (const words of document.querySelectorAll("[data-hold-warning], [data-step-error], [data-help-told]")) {
    words.textContent = "";
  }
  for (const notice of document.querySelectorAll("#main .flash")) notice.remove();
}

function drawScript(page, words) {
  for (const name of ["identification", "steps", "cards"]) {
    const part = page.querySelector(`[data-script-part="${name}"]`);
    part.lang = words.language;
    part.dir = words.direction;
    part.hidden = !words[name];
    // This is HTML that the server made, and no text from a contact is in it.
    const fresh = new DOMParser().parseFromString(words[name], "text/html").body.childNodes;
    replaceContent(page.querySelector(`[data-script="${name}"]`), [...fresh]);
  }
}

function fill(root, values) {
  for (const element of root.querySelectorAll("[data-fill]")) {
    if (element.dataset.fill in values) element.textContent = values[element.dataset.fill];
  }
  for (const element of root.querySelectorAll("[data-if]")) {
    const value = values[element.dataset.if];
    element.hidden = !value || !value.length;
  }
}

/* Gives the QR code a new element with this call's address. Otherwise the browser would show the last call's
   code. The browser loads the new code only when the caller opens that part of the page. */
function drawPicture(picture, { call }) {
  const fresh = picture.cloneNode();
  fresh.src = picture.getAttribute("src").replace(/\bcall=.*/, `call=${call}`);
  picture.replaceWith(fresh);
}

function drawHousehold(page, next) {
  const forms = next.person.household.map(([id, name]) => {
    const form = copyOf("household-person").querySelector("form");
    form.action = aboutCall(form.getAttribute("action"), next);
    form.elements.contact_id.value = id;
    form.querySelector("button").textContent = name;
    return form;
  });
  replaceContent(page.querySelector("[data-household]"), forms);
}

function drawToast(toast) {
  const fresh = toast ? [copyOf("recorded-call")] : [];
  for (const copy of fresh) {
    fill(copy, toast);
    copy.querySelector("form").action = toast.undo;
    copy.querySelector("form").hidden = !toast.undo;
    copy.querySelector(".toast-card").toggleAttribute("data-undone", !toast.undo);
  }
  replaceContent(document.getElementById("toasts"), fresh);
}

function replaceContent(element, nodes) {
  element.textContent = "";
  element.append(...nodes);
}

function copyOf(id) {
  const copy = document.getElementById(id).content.cloneNode(true);
  for (const field of copy.querySelectorAll("[name=csrf_token]")) field.value = csrfToken();
  return copy;
}
