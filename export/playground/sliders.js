// Sliders that move the latent of a chosen image along the generator's principal directions.

import { principalDirections } from "./directions.js";
import { savePng } from "./files.js";
import { floatsOfLatents, latentKind } from "./images.js";
import { latentOf } from "./latents.js";
import { element, guarded, make, showStatus } from "./page.js";
import { draw, fromFloats, pixelsOf } from "./pixels.js";

const COUNT = 6;
const BASES = 4;

/** The sliders of one generator. */
export class Sliders {
  constructor() {
    this.find = guarded((isNewest) => this.measure(isNewest));
    this.move = guarded((isNewest) => this.change(isNewest));
    this.choose = guarded((isNewest, ...given) => this.start(isNewest, ...given));
    element("find").addEventListener("click", () => this.find());
    element("reset").addEventListener("click", () => {
      for (const input of this.inputs()) this.setValue(input, 0);
      this.move();
    });
    element("slid-png").addEventListener("click", () => {
      savePng(pixelsOf(element("slid")), `${this.model.name}-${this.seed}-changed`);
    });
  }

  inputs() {
    return element("sliders").querySelectorAll("input");
  }

  setValue(input, value) {
    input.value = value;
    input.nextElementSibling.value = Number(value).toFixed(1);
  }

  /** Returns the truncated latent of a seed. */
  latentOf(seed) {
    return latentOf(seed, this.model.latentDim, this.kind).map((value) => this.truncation * value);
  }

  async start(isNewest, model, seed, label, truncation) {
    const isOther = model !== this.model || label !== this.label;
    Object.assign(this, { model, seed, label, truncation });
    element("directions").hidden = seed === undefined || !model.latentDim;
    if (isOther) {
      this.directions = null;
      element("changed").hidden = true;
    }
    if (element("directions").hidden) return;
    if (model !== this.checked) {
      const kind = await latentKind(model);
      if (!isNewest()) return;
      [this.checked, this.kind] = [model, kind];
    }
    element("find").hidden = !this.kind || Boolean(this.directions);
    if (!this.kind) {
      element("directions-state").textContent = "This page cannot compute the latents of this model.";
      return;
    }
    if (this.directions) await this.move();
    else {
      element("directions-state").textContent = "The directions that change the images most are "
        + `measured by ${model.latentDim + 1} images at each of up to ${BASES} latents.`;
    }
  }

  async measure(isNewest) {
    const { model, label, seed } = this;
    const seeds = [seed, ...Array.from({ length: BASES - 1 }, (_, i) => seed + 1 + i)];
    const found = await principalDirections(
      async (latents) => (await floatsOfLatents(model, latents, label)).map((rows) => rows.flat(2)),
      seeds.map((one) => this.latentOf(one)),
      COUNT,
      (done) => showStatus(`Measuring directions: ${Math.round(100 * done)} %`),
    );
    if (!isNewest() || model !== this.model || label !== this.label) return;
    this.directions = found.directions;
    element("sliders").replaceChildren(...found.shares.map((share, i) => this.slider(i, share)));
    const all = found.shares.reduce((a, b) => a + b);
    element("directions-state").textContent = `These ${found.shares.length} directions make `
      + `${Math.round(100 * all)} % of the squared change of the images near their latents.`;
    element("find").hidden = true;
    element("changed").hidden = false;
    showStatus("Directions measured");
    await this.move();
  }

  slider(i, share) {
    const label = make("label", `${i + 1} (${Math.round(100 * share)} %)`);
    const input = make("input");
    Object.assign(input, { type: "range", min: -4, max: 4, step: 0.1 });
    input.setAttribute("aria-label", `Direction ${i + 1}`);
    label.append(input, make("output"));
    this.setValue(input, 0);
    input.addEventListener("input", () => {
      this.setValue(input, input.value);
      this.move();
    });
    return label;
  }

  async change(isNewest) {
    const { model, label, seed } = this;
    const latent = this.latentOf(seed);
    this.inputs().forEach((input, i) => {
      this.directions[i].forEach((value, k) => { latent[k] += Number(input.value) * value; });
    });
    const [rows] = await floatsOfLatents(model, [latent], label);
    if (isNewest()) draw(element("slid"), fromFloats(rows));
  }
}
