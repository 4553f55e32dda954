/* Writes the list of keys into the call page. The page loads this module when the caller first opens the list
   (call_help.js). */

const KEYS = [
  ["1 to 9", "choose an answer; on a scale, press 0 to 9, or 1 and then 0 for ten"],
  ["N", "No answer"],
  ["V", "Voicemail"],
  ["E", "How the call ended"],
  ["U", "Undo the last call"],
  ["?", "this list"],
];

const list = document.createElement("ul");
for (const [keys, what] of KEYS) {
  const line = document.createElement("li");
  for (const word of keys.split(" ")) {
    const key = document.createElement("kbd");
    key.textContent = word;
    line.append(word === "to" ? "to" : key, " ");
  }
  line.append(what);
  list.append(line);
}
document.querySelector("[data-keys] > div").prepend(list);
