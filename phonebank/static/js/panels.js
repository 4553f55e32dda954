/* Panels that lie over the page: each is a <details data-panel> whose content the style sheet places. One is
   open at a time. Escape, or a tap beside a panel, closes it. Without this module, panels work like any <details>. */

const panels = () => document.querySelectorAll("details[data-panel][open]");

export function closePanels(but) {
  for (const panel of panels()) if (panel !== but) panel.open = false;
}

// This event does not bubble.
document.addEventListener("toggle", onToggle, true);

function onToggle({ target }) {
  if (!target.matches("details[data-panel]") || !target.open) return;
  closePanels(target);
  // On a phone the keyboard of a focused field would cover the rest of a menu.
  if (target.dataset.panel === "menu") return;
  const field = target.querySelector("input:not([type=hidden])");
  if (field) field.focus();
}

document.addEventListener("click", (event) => closePanels(event.target.closest("details[data-panel]")));

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const panel of panels()) {
    panel.open = false;
    panel.querySelector("summary").focus();
  }
});
