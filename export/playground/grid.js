// The grid of generated images, and the choice of two of them.

import { savePng } from "./files.js";
import { imagesOfSeeds } from "./images.js";
import { classCount } from "./models.js";
import { element, guarded, make, numberOf, setOptions, showError, showStatus } from "./page.js";
import { draw, sheet } from "./pixels.js";

const COLUMNS = 8;

/** The grid of one generator; `chosen` is called with the seeds of A and B when they change. */
export class Grid {
  constructor(chosen) {
    this.chosen = chosen;
    this.model = null;
    this.images = [];
    this.seeds = [];
    this.marks = [];
    this.generate = guarded((isNewest) => this.fill(isNewest));
    element("grid-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.generate();
    });
    element("grid-form").addEventListener("change", (event) => {
      if (event.target.id !== "truncation") this.generate();
    });
    element("truncation").addEventListener("input", ({ target }) => {
      target.previousElementSibling.value = target.value;
      clearTimeout(this.timer);
      this.timer = setTimeout(this.generate, 150);
    });
    element("next").addEventListener("click", () => {
      element("seed").value = numberOf(element("seed")) + numberOf(element("count"));
      this.generate();
    });
    element("grid-png").addEventListener("click", () => {
      if (this.images.length) savePng(sheet(this.images, COLUMNS), `${this.model.name}-samples`);
    });
  }

  /** The chosen class as a number. */
  get label() {
    return Number(element("label").value) || 0;
  }

  /** The factor of the latents, from 0 to 1. */
  get truncation() {
    return Number(element("truncation").value);
  }

  /** Shows another generator; the names are those of its classes, if they are known. */
  async show(model, names) {
    this.model = model;
    const count = model.conditional ? await classCount(model) : 0;
    const known = names.length === count ? names : [];
    const classes = Array.from({ length: count ?? 1 }, (_, i) => [i, known[i] ?? String(i)]);
    setOptions(element("label"), classes);
    element("label-control").hidden = !model.conditional;
    element("truncation-control").hidden = !model.signatures.generate_truncated;
    element("truncation").value = 1;
    element("truncation").previousElementSibling.value = "1";
    await this.generate();
  }

  async fill(isNewest) {
    const { model, label, truncation } = this;
    const [first, count] = [numberOf(element("seed")), numberOf(element("count"))];
    const seeds = Array.from({ length: count }, (_, i) => first + i);
    const images = await imagesOfSeeds(model, seeds, label, truncation);
    if (!isNewest()) return;
    showError("");
    [this.seeds, this.images] = [seeds, images];
    this.marks = this.marks.filter((seed) => seeds.includes(seed));
    element("grid").replaceChildren(...images.map((image, i) => this.button(image, seeds[i])));
    showStatus(`${count} images, seeds ${first} to ${first + count - 1}`);
    this.mark();
  }

  button(image, seed) {
    const button = make("button");
    button.type = "button";
    const canvas = make("canvas");
    draw(canvas, image);
    button.append(canvas);
    button.dataset.seed = seed;
    button.addEventListener("click", () => {
      this.marks = this.marks.length === 1 && this.marks[0] !== seed ? [this.marks[0], seed] : [seed];
      this.mark();
    });
    return button;
  }

  /** Marks the chosen images. */
  mark() {
    for (const button of element("grid").children) {
      const seed = Number(button.dataset.seed);
      const place = this.marks.indexOf(seed);
      const mark = ["A", "B"][place];
      if (mark) button.dataset.mark = mark;
      else delete button.dataset.mark;
      button.setAttribute("aria-pressed", String(Boolean(mark)));
      button.setAttribute("aria-label", `Image of seed ${seed}${mark ? `, chosen as ${mark}` : ""}`);
    }
    this.chosen(...this.marks);
  }
}
