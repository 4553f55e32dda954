/* The phone vibrates once when the page celebrates a call. If the caller has switched animations off, the
   phone does not vibrate. */

const FELT_FOR_MS = 60;

document.addEventListener("animationstart", ({ animationName }) => {
  if (animationName === "joy" && navigator.vibrate) navigator.vibrate(FELT_FOR_MS);
});
