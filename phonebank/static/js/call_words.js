/* The words of scripts, which are the same for every contact except for the values in their slots: see
   callers/views/script_words.py. The server sends a script only to a page that does not have it yet. */

// The server answers with JSON only if its own word is the same: see callers/views/call_data.py.
const SHAPE = "2";

/* The scripts that the page has: the one it shows, and those that came with earlier answers. */
export class Scripts {
  constructor() {
    this.shown = null; // { key, first, main, steps }, as call_path.js reads it
    this.kept = new Map(); // key → { steps, words }
  }

  /* Notes the script with which the page came. The page shows it. */
  begin(script) {
    this.shown = script;
  }

  /* Returns the header by which the server knows which scripts the page has. */
  told() {
    const keys = new Set([this.shown.key, ...this.kept.keys()]);
    return [SHAPE, ...keys].join(" ");
  }

  /* Takes the script of the server's answer. Returns the words if they are not on the page already, or null.
     An answer without words has only the steps whose transitions depend on the contact. Throws TypeError if
     the page does not have the script. */
  take({ script, words }) {
    if (words) this.kept.set(script.key, { steps: script.steps, words });
    const isShown = script.key === this.shown.key;
    const known = isShown ? this.shown : this.kept.get(script.key);
    this.shown = { ...script, steps: { ...known.steps, ...script.steps } };
    return isShown ? null : known.words;
  }
}

/* Returns the text for a slot, and whether the text is more than the field's name. The text is the contact's
   value, otherwise the fallback from the script, otherwise the field's name in brackets. */
export function textOf(name, fallback, values) {
  if (Object.prototype.hasOwnProperty.call(values, name)) return [values[name], true];
  return fallback === undefined ? [`[${name.replace(/_/g, " ")}]`, false] : [fallback, true];
}

/* Puts the contact's values into every slot, as text. */
export function fillSlots(root, values) {
  for (const slot of root.querySelectorAll("[data-merge]")) {
    const [text, known] = textOf(slot.dataset.merge, slot.dataset.or, values);
    const fresh = document.createElement(known ? "bdi" : "mark");
    Object.assign(fresh.dataset, slot.dataset);
    fresh.textContent = text;
    slot.replaceWith(fresh);
  }
}
