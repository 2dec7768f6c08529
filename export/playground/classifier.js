// The answers of a classifier or a critic to an image of the user.

import { Drawing } from "./drawing.js";
import { imagesOfSeeds } from "./images.js";
import { classCount } from "./models.js";
import { element, guarded, make, setOptions, showError } from "./page.js";
import { asSeen, blank, draw, toArray } from "./pixels.js";
import { classify, predict } from "./rest.js";

const CANDIDATES = 64;

/** Returns the names of a classifier's classes; empty if it has no signature that tells them. */
export async function classNames(model) {
  if (!model.signatures.classify) return [];
  const canvas = blank(1, 1);
  const content = canvas.toDataURL("image/png").split(",")[1];
  const [ranking] = await classify(model, [{ image: { b64: content } }]);
  return ranking.map(([name]) => name);
}

/** The panel of classifiers and critics. */
export class Classifier {
  constructor() {
    this.answer = guarded((isNewest) => this.ask(isNewest));
    this.search = guarded((isNewest) => this.nearest(isNewest));
    this.drawing = new Drawing(() => this.answer());
    element("find-nearest").addEventListener("click", () => this.search());
  }

  /** Shows another classifier; generators are those of the served models. */
  async show(model, names, generators) {
    Object.assign(this, { model, names });
    this.generators = generators.filter((one) => String(one.shape) === String(model.shape));
    element("colour-control").hidden = model.shape[2] < 3;
    element("nearest").hidden = model.kind !== "classifier" || !this.generators.length;
    element("nearest").querySelector("figure").hidden = true;
    setOptions(element("nearest-model"), this.generators.map((one, i) => [i, one.name]));
    const own = this.generators.findIndex((one) => one.name === `${model.name}_generator`);
    if (own > 0) element("nearest-model").value = own;
    await this.answer();
  }

  async ask(isNewest) {
    const { model } = this;
    const [height, width, channels] = model.shape;
    const seen = asSeen(this.drawing.image(width, height), channels);
    draw(element("seen"), seen);
    const row = { images: toArray(seen, channels) };
    const { file } = this.drawing;
    const [answers, scores] = await Promise.all([
      file && model.signatures.image_bytes
        ? predict(model, "image_bytes", [{ image_bytes: { b64: file } }])
        : predict(model, "serving_default", [row]),
      model.signatures.score?.outputs.losses ? predict(model, "score", [row]) : [null],
    ]);
    if (!isNewest()) return;
    showError("");
    this.seen = seen;
    if (model.kind === "critic") this.showScore(answers[0]);
    else this.showClasses(answers[0], scores[0]);
  }

  showScore(answer) {
    element("bars").hidden = true;
    element("real-score").textContent = "";
    element("verdict").textContent = `Score of the critic: ${(answer.score ?? answer).toFixed(4)}`;
  }

  showClasses(answer, scores) {
    const { probabilities } = answer;
    const best = probabilities.indexOf(Math.max(...probabilities));
    this.best = best;
    const name = (i) => this.names[i] ?? String(i);
    const rows = probabilities.map((probability, i) => {
      const row = make("tr");
      if (i === best) row.className = "best";
      const head = make("th", name(i));
      head.scope = "row";
      const bar = make("span");
      bar.style.width = `${100 * probability}%`;
      bar.setAttribute("aria-hidden", "true");
      const cell = make("td");
      cell.className = "bar";
      cell.append(bar, make("b", `${(100 * probability).toFixed(1)} %`));
      row.append(head, cell);
      if (scores) row.append(make("td", scores.losses[i].toFixed(3)));
      return row;
    });
    element("bars").querySelector("tbody").replaceChildren(...rows);
    element("bars").querySelector(".loss").hidden = !scores;
    element("bars").hidden = false;
    const percent = (100 * probabilities[best]).toFixed(1);
    element("verdict").textContent = `${answer.class_name ?? name(best)}, ${percent} %`;
    element("real-score").textContent = scores
      ? `Real-or-fake score: ${scores.real_score.toFixed(3)} (at most 0; higher is more real)` : "";
  }

  /** Finds the generated image of the class that has the smallest distance to the user's image. */
  async nearest(isNewest) {
    const generator = this.generators[Number(element("nearest-model").value)];
    const { seen, best } = this;
    const count = generator.conditional ? await classCount(generator) : 0;
    if (count && best >= count) {
      throw new Error(`${generator.name} has ${count} classes, so it has no class ${best}.`);
    }
    const seeds = Array.from({ length: CANDIDATES }, (_, i) => i);
    const images = await imagesOfSeeds(generator, seeds, best);
    if (!isNewest()) return;
    const distances = images.map((image) => distance(image, seen));
    const seed = distances.indexOf(Math.min(...distances));
    draw(element("near"), images[seed]);
    const figure = element("nearest").querySelector("figure");
    const of = generator.conditional ? ` of class ${this.names[best] ?? best}` : "";
    figure.querySelector("figcaption").textContent = `Seed ${seed}, the nearest of ${CANDIDATES} `
      + `images${of} (distance ${distances[seed].toFixed(1)} grey levels)`;
    figure.hidden = false;
  }
}

/** Returns the root of the mean squared difference. */
function distance(left, right) {
  let sum = 0;
  left.data.forEach((value, i) => { sum += (value - right.data[i]) ** 2; });
  return Math.sqrt(sum / ((left.data.length * 3) / 4));
}
