/* Saves the server's SVG as a PNG, or hands it to the phone's share sheet. Every messenger shows a PNG, and
   most show no SVG. */

const SCALE = 2; // for screens with two pixels for each CSS pixel

async function draw(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth * SCALE;
  canvas.height = image.naturalHeight * SCALE;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

for (const button of document.querySelectorAll("[data-save-picture]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const link = document.createElement("a");
    link.href = (await draw(button.dataset.savePicture)).toDataURL("image/png");
    link.download = button.dataset.saveAs;
    link.click();
  });
}

for (const button of document.querySelectorAll("[data-share-picture]")) prepareSharing(button);

/* The picture is drawn beforehand, because a phone opens the sheet only right after the tap. */
async function prepareSharing(button) {
  if (!navigator.share || !navigator.canShare) return;
  const canvas = await draw(button.dataset.sharePicture);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const files = [new File([blob], button.dataset.saveAs, { type: "image/png" })];
  const shared = { files, text: button.dataset.shareWords };
  if (!navigator.canShare(shared)) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.share(shared);
    } catch (error) {
      // The person closed the share sheet.
    }
  });
}
