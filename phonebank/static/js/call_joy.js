/* A call that the caller may be glad of is felt, too: once, and only where the page may move. */

const FELT_FOR_MS = 60;

document.addEventListener("animationstart", ({ animationName }) => {
  if (animationName === "joy" && navigator.vibrate) navigator.vibrate(FELT_FOR_MS);
});
