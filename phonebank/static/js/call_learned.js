/* Folds what a caller has seen often enough, so that the answers stay visible on a small phone. The line to
   say in every call folds after the first call, on the smallest phones from the first, and the tips fold after
   the third. */

const KEY = "phonebank.seen";
const LINE_OPEN_FOR = 1; // calls
const TIPS_OPEN_FOR = 3;
// Here the whole line would leave no space for the words of the step.
const SMALLEST = matchMedia("(max-width: 24rem) and (max-height: 44rem)");

/* Returns how many people this device has shown, including this one. */
function countPerson(call) {
  try {
    const seen = JSON.parse(localStorage.getItem(KEY) || "{}");
    const count = (seen.count || 0) + (seen.call === call ? 0 : 1);
    localStorage.setItem(KEY, JSON.stringify({ call, count }));
    return count;
  } catch (error) {
    return 1; // no storage: nothing folds
  }
}

export function foldWhatIsKnown(page, { call, practice }) {
  const count = practice ? 1 : countPerson(call);
  page.classList.toggle("is-line-folded", count > LINE_OPEN_FOR || SMALLEST.matches);
  page.classList.toggle("are-tips-folded", count > TIPS_OPEN_FOR);
  showLine(page, false);
}

/* Opens the step's tip, or leaves it folded. */
export function foldTip(page, step) {
  const tip = step.querySelector(".step-tip");
  if (tip) tip.open = !page.classList.contains("are-tips-folded");
}

/* Tells the style sheet the height of the band that stays at the top while the script scrolls. */
export function measureBand(page) {
  const band = page.querySelector(".identification");
  const stays = getComputedStyle(band).position === "sticky";
  page.style.setProperty("--band", `${stays ? band.offsetHeight : 0}px`);
}

function showLine(page, whole) {
  page.querySelector(".identification").classList.toggle("is-whole", whole);
  page.querySelector("[data-unfold]").setAttribute("aria-expanded", String(whole));
}

export function listenToUnfold() {
  document.addEventListener("click", ({ target }) => {
    const band = target.closest(".is-line-folded .identification");
    if (band) showLine(band.closest("[data-call]"), !band.classList.contains("is-whole"));
    const menu = document.querySelector(".help-menu[open]");
    if (menu && !menu.contains(target)) menu.open = false;
  });
  document.addEventListener("keydown", ({ key }) => {
    const menu = document.querySelector(".help-menu[open]");
    if (key !== "Escape" || !menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
