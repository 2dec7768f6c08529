// The path between two chosen images, as a strip and as an animated loop.

import { saveGif, savePng } from "./files.js";
import { imagesBetween, latentKind } from "./images.js";
import { element, guarded, numberOf } from "./page.js";
import { draw, sheet } from "./pixels.js";

const MILLISECONDS = 80;

/** Shows the images between two seeds. */
export class Path {
  constructor() {
    this.images = [];
    this.frame = 0;
    this.playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.show = guarded((isNewest, ...given) => this.load(isNewest, ...given));
    element("play").addEventListener("click", () => this.play(!this.playing));
    element("path-count").addEventListener("change", () => this.show(...this.shown));
    element("path-png").addEventListener("click", () => {
      savePng(sheet(this.images, this.images.length), this.name);
    });
    element("path-gif").addEventListener("click", () => saveGif(this.loop, this.name));
    setInterval(() => this.step(), MILLISECONDS);
    this.play(this.playing);
  }

  /** The images there and back, without repetitions. */
  get loop() {
    return [...this.images, ...this.images.slice(1, -1).reverse()];
  }

  get name() {
    const [model, start, end] = this.shown;
    return `${model.name}-${start}-${end}`;
  }

  play(playing) {
    this.playing = playing;
    element("play").textContent = playing ? "Pause" : "Play";
    element("play").setAttribute("aria-pressed", String(playing));
  }

  async load(isNewest, model, start, end, label, truncation) {
    this.shown = [model, start, end, label, truncation];
    const possible = end !== undefined && Boolean(model.signatures.interpolate);
    element("path").hidden = !possible;
    this.images = [];
    if (!possible) return;
    const count = numberOf(element("path-count"));
    // Truncated latents need the distribution of the latents.
    const known = truncation === 1 || Boolean(await latentKind(model));
    const used = known ? truncation : 1;
    const images = await imagesBetween(model, start, end, label, used, count);
    if (!isNewest()) return;
    element("path-state").hidden = known;
    this.images = images;
    draw(element("strip"), sheet(images, images.length));
    this.frame = 0;
    draw(element("loop"), images[0]);
  }

  step() {
    if (!this.playing || !this.images.length) return;
    this.frame = (this.frame + 1) % this.loop.length;
    draw(element("loop"), this.loop[this.frame]);
  }
}
