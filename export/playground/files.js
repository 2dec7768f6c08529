// Downloads.

import { blank, draw, enlarged } from "./pixels.js";
import { encodeGif } from "./gif.js";

/** Lets the user save an image as a PNG file. */
export function savePng(image, name) {
  const canvas = blank(1, 1);
  draw(canvas, enlarged(image));
  canvas.toBlob((blob) => save(blob, `${name}.png`), "image/png");
}

/** Lets the user save images as an animated GIF file. */
export function saveGif(images, name) {
  const content = encodeGif(images.map((image) => enlarged(image, 256)), 80);
  save(new Blob([content], { type: "image/gif" }), `${name}.gif`);
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name.replace(/[^\w.-]+/g, "-");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
