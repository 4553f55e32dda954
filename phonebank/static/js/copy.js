/* A button with data-copy puts that text on the clipboard, says so, and then shows its own words again. */

const SAID_FOR_MS = 2500;

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // A page that came over plain http, such as from a laptop in the same room, has no clipboard object.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser refused to copy");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button || button.dataset.said) return;
  const words = button.querySelector("[data-copy-words]") || button;
  const before = words.textContent;
  button.dataset.said = "yes";
  try {
    await copy(button.dataset.copy);
    words.textContent = "Copied";
  } catch {
    words.textContent = "Select the text and copy it";
  }
  button.focus();
  setTimeout(() => {
    words.textContent = before;
    delete button.dataset.said;
  }, SAID_FOR_MS);
});
