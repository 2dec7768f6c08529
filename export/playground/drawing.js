// The drawing area: pen, files, and the image at the size that the model takes.

import { element, showError } from "./page.js";
import { blank, fromBlob, pixelsOf, resized } from "./pixels.js";

const MOST_BYTES = 8 << 20;
const STEP = 10;

/** A drawing area that calls `changed` after each change. */
export class Drawing {
  constructor(changed) {
    this.changed = changed;
    this.pad = element("pad");
    this.context = this.pad.getContext("2d", { willReadFrequently: true });
    this.file = null;
    this.cursor = { x: 140, y: 140, down: false };
    this.pad.addEventListener("pointerdown", (event) => this.begin(event));
    this.pad.addEventListener("pointermove", (event) => this.continue(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.pad.addEventListener(name, () => this.end());
    }
    this.pad.addEventListener("keydown", (event) => this.key(event));
    element("clear").addEventListener("click", () => this.clear());
    element("invert").addEventListener("click", () => this.invert());
    element("frame").addEventListener("change", () => this.changed());
    element("file").addEventListener("change", ({ target }) => {
      this.open(target.files[0]);
      target.value = "";
    });
    this.pad.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.pad.classList.add("over");
    });
    this.pad.addEventListener("dragleave", () => this.pad.classList.remove("over"));
    this.pad.addEventListener("drop", (event) => {
      event.preventDefault();
      this.pad.classList.remove("over");
      this.open(event.dataTransfer.files[0]);
    });
    this.fill("#000");
  }

  /** Returns the image in a size; the drawing is put into its frame first. */
  image(width, height) {
    const frame = element("frame").value;
    const whole = pixelsOf(this.pad);
    return resized(frame === "none" || this.file ? whole : centred(whole, Number(frame)), width, height);
  }

  clear() {
    this.file = null;
    this.fill("#000");
    this.changed();
  }

  fill(colour) {
    this.context.fillStyle = colour;
    this.context.fillRect(0, 0, this.pad.width, this.pad.height);
  }

  invert() {
    this.file = null;
    const image = pixelsOf(this.pad);
    image.data.forEach((value, i) => { if (i % 4 < 3) image.data[i] = 255 - value; });
    this.context.putImageData(image, 0, 0);
    this.changed();
  }

  /** Reads an image file, of a bounded size. */
  async open(file) {
    if (!file) return;
    if (file.size > MOST_BYTES) {
      showError(`${file.name} has ${file.size} bytes. A file may have at most ${MOST_BYTES} bytes.`);
      return;
    }
    try {
      const { width, height } = this.pad;
      const image = resized(await fromBlob(file), width, height);
      this.context.putImageData(image, 0, 0);
    } catch {
      showError(`${file.name} is not an image that this browser can read. Choose a PNG or JPEG file.`);
      return;
    }
    showError("");
    this.file = await base64(file);
    this.changed();
  }

  begin(event) {
    this.pad.setPointerCapture(event.pointerId);
    this.last = this.place(event);
    this.line(this.last);
  }

  continue(event) {
    if (this.last) this.line(this.place(event));
  }

  end() {
    if (!this.last) return;
    this.last = null;
    this.changed();
  }

  place(event) {
    const box = this.pad.getBoundingClientRect();
    const scale = this.pad.width / box.width;
    return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
  }

  line(to) {
    this.file = null;
    const context = this.context;
    Object.assign(context, { lineCap: "round", lineWidth: Number(element("pen").value) });
    context.strokeStyle = element("colour-control").hidden ? "#fff" : element("colour").value;
    context.beginPath();
    context.moveTo(this.last.x, this.last.y);
    // A line without a length would not be drawn, so a tap gets a very short one.
    context.lineTo(to.x + 0.01, to.y);
    context.stroke();
    this.last = to;
  }

  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    const { cursor } = this;
    if (!move) cursor.down = !cursor.down;
    this.last = { x: cursor.x, y: cursor.y };
    const inside = (value) => Math.min(Math.max(value, 0), this.pad.width);
    if (move) [cursor.x, cursor.y] = [inside(cursor.x + STEP * move[0]), inside(cursor.y + STEP * move[1])];
    if (cursor.down) this.line({ x: cursor.x, y: cursor.y });
    this.last = null;
    this.pad.setAttribute("aria-label", `Drawing area, pen ${cursor.down ? "down" : "up"} at `
      + `${cursor.x}, ${cursor.y}`);
    if (cursor.down) this.changed();
  }
}

/** Returns an image whose ink is centred and fills a part of the frame. */
function centred(image, part) {
  const { width, height, data } = image;
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const place = 4 * (y * width + x);
      if (data[place] + data[place + 1] + data[place + 2] > 96) {
        [left, right] = [Math.min(left, x), Math.max(right, x)];
        [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
      }
    }
  }
  if (right < 0) return image;
  const source = blank(width, height);
  source.getContext("2d").putImageData(image, 0, 0);
  const target = blank(width, height);
  const context = target.getContext("2d");
  context.fillStyle = "#000";
  context.fillRect(0, 0, width, height);
  const [wide, high] = [right - left + 1, bottom - top + 1];
  const scale = (part * width) / Math.max(wide, high);
  context.drawImage(
    source, left, top, wide, high,
    (width - scale * wide) / 2, (height - scale * high) / 2, scale * wide, scale * high,
  );
  return pixelsOf(target);
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
