/* The words of scripts, which are the same for every contact except for the values in their slots: see
   callers/views/script_words.py. The server sends a script only to a page that does not have it yet. */

// The server sends the next contact as JSON only if SHAPE in callers/views/call_data.py is the same.
const SHAPE = "2";

/* The scripts that the page has: the script that it shows, and those that came with earlier contacts. */
export class Scripts {
  constructor() {
    this.shown = null; // { key, first, main, steps }, as call_path.js reads it
    this.kept = new Map(); // key → { steps, words }
  }

  /* Stores the script that came with the page, and that the page shows. */
  begin(script) {
    this.shown = script;
  }

  /* Returns the header by which the server knows which scripts the page has. */
  told() {
    const keys = new Set([this.shown.key, ...this.kept.keys()]);
    return [SHAPE, ...keys].join(" ");
  }

  /* Stores the script from the server's response as the script that the page shows. Returns the script's words, or
     null if the page shows them already. A response without words has only the steps whose transitions depend on the
     contact. Throws TypeError if it is without words and the page does not have the script. */
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
