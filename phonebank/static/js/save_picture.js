/* Saves the server's SVG as a PNG, because every messenger shows a PNG and most show no SVG. */

const SCALE = 2; // for screens with two pixels a point

for (const button of document.querySelectorAll("[data-save-picture]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const image = new Image();
    image.src = button.dataset.savePicture;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth * SCALE;
    canvas.height = image.naturalHeight * SCALE;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const link = document.createElement("a");
    link.href = canvas.toDataURL("image/png");
    link.download = button.dataset.saveAs;
    link.click();
  });
}
