// Images between JSON, files and canvases. An image is an ImageData object.

/** Returns the image of nested arrays [height][width][channels] with values from 0 to 255. */
export function fromArray(rows) {
  const [height, width] = [rows.length, rows[0].length];
  const image = new ImageData(width, height);
  let place = 0;
  for (const row of rows) {
    for (const pixel of row) {
      const grey = pixel.length < 3;
      for (let i = 0; i < 3; i += 1) image.data[place + i] = grey ? pixel[0] : pixel[i];
      image.data[place + 3] = 255;
      place += 4;
    }
  }
  return image;
}

/** Returns the image of nested arrays with values from -1 to 1. */
export function fromFloats(rows) {
  const level = (value) => Math.round((value + 1) * 127.5);
  return fromArray(rows.map((row) => row.map((pixel) => pixel.map(level))));
}

/** Returns the image of a file's content in base64. */
export async function fromBase64(text) {
  return fromBlob(new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]));
}

/** Returns the image of a file. */
export async function fromBlob(blob) {
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(blob, options);
  const canvas = blank(bitmap.width, bitmap.height);
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  return pixelsOf(canvas);
}

/** Returns nested arrays [height][width][channels] of an image; grey is the luma. */
export function toArray(image, channels) {
  const { width, height, data } = image;
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => {
    const [red, green, blue] = data.subarray(4 * (y * width + x));
    if (channels >= 3) return [red, green, blue];
    return Array(channels).fill(Math.round(0.299 * red + 0.587 * green + 0.114 * blue));
  }));
}

/** Returns an image as grey or colour, as a model with this number of channels sees it. */
export function asSeen(image, channels) {
  return fromArray(toArray(image, channels));
}

/** Draws an image on a canvas, which takes its size. */
export function draw(canvas, image) {
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Returns the image on a canvas. */
export function pixelsOf(canvas) {
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
}

/** Returns a new canvas. */
export function blank(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

/** Returns an image in another size. */
export function resized(image, width, height) {
  if (image.width === width && image.height === height) return image;
  const source = blank(image.width, image.height);
  source.getContext("2d").putImageData(image, 0, 0);
  const target = blank(width, height);
  const context = target.getContext("2d");
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  return pixelsOf(target);
}

/** Returns a picture of images in rows, with thin lines between them. */
export function sheet(images, columns) {
  const { width, height } = images[0];
  const rows = Math.ceil(images.length / columns);
  const canvas = blank(columns * (width + 1) - 1, rows * (height + 1) - 1);
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  images.forEach((image, i) => context.putImageData(
    image, (i % columns) * (width + 1), Math.floor(i / columns) * (height + 1),
  ));
  return pixelsOf(canvas);
}

/** Enlarges an image by a whole factor, so that its longer side has about this many pixels. */
export function enlarged(image, side = 512) {
  const factor = Math.max(1, Math.floor(side / Math.max(image.width, image.height)));
  const source = blank(image.width, image.height);
  source.getContext("2d").putImageData(image, 0, 0);
  const target = blank(factor * image.width, factor * image.height);
  const context = target.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(source, 0, 0, target.width, target.height);
  return pixelsOf(target);
}
