// Images of a served generator, by the signatures that it has.

import { fromArray, fromBase64, fromFloats } from "./pixels.js";
import { between, latentOf } from "./latents.js";
import { predict } from "./rest.js";

/** Returns the inputs of a request for a class; a generator without classes takes none. */
function withLabel(model, label, row) {
  return model.conditional ? { ...row, label } : row;
}

/** Returns the images of seeds. */
export async function imagesOfSeeds(model, seeds, label, truncation = 1) {
  if (truncation < 1) {
    const rows = seeds.map((seed) => withLabel(model, label, { seed, truncation }));
    return (await predict(model, "generate_truncated", rows)).map((row) => fromArray(valueOf(row)));
  }
  const rows = seeds.map((seed) => withLabel(model, label, { seed }));
  if (model.signatures.generate_png) {
    const files = await predict(model, "generate_png", rows);
    return Promise.all(files.map((row) => fromBase64(valueOf(row).b64 ?? valueOf(row))));
  }
  return (await predict(model, "generate", rows)).map((row) => fromArray(valueOf(row)));
}

/**
 * Returns the images on the way between two seeds.
 *
 * The signature `interpolate` takes no truncation, so the page computes truncated latents itself.
 */
export async function imagesBetween(model, start, end, label, truncation, count) {
  if (truncation < 1) {
    const kind = await latentKind(model);
    const [a, b] = [start, end].map((seed) => latentOf(seed, model.latentDim, kind));
    const latents = Array.from({ length: count }, (_, i) => (
      between(a, b, i / (count - 1), kind).map((value) => truncation * value)
    ));
    return (await floatsOfLatents(model, latents, label)).map(fromFloats);
  }
  const rows = Array.from({ length: count }, (_, i) => withLabel(
    model, label, { seed: start, end_seed: end, fraction: i / (count - 1) },
  ));
  return (await predict(model, "interpolate", rows)).map((row) => fromArray(valueOf(row)));
}

/** Returns the pixels of latents as nested arrays with values from -1 to 1. */
export async function floatsOfLatents(model, latents, label) {
  const rows = latents.map((latent) => withLabel(model, label, { latent }));
  return (await predict(model, "serving_default", rows)).map(valueOf);
}

const kinds = new WeakMap();

/** Returns the distribution of a generator's latents, which does not change. */
export async function latentKind(model) {
  if (!kinds.has(model)) kinds.set(model, model.latentDim ? await findKind(model) : "");
  return kinds.get(model);
}

/**
 * Returns "normal" or "uniform".
 *
 * Both are tried for one seed, and compared with the image of that seed. The result is "" if
 * neither gives it: then this page does not know how the server draws latents.
 */
async function findKind(model) {
  const candidates = ["normal", "uniform"];
  const seed = 20170123;
  const latents = candidates.map((kind) => latentOf(seed, model.latentDim, kind));
  const [found, [expected]] = await Promise.all([
    floatsOfLatents(model, latents, 0), imagesOfSeeds(model, [seed], 0),
  ]);
  return candidates.find((_, i) => difference(fromFloats(found[i]), expected) < 1) ?? "";
}

function difference(left, right) {
  let sum = 0;
  for (let i = 0; i < left.data.length; i += 1) sum += Math.abs(left.data[i] - right.data[i]);
  return sum / left.data.length;
}

/** Returns the value of a row, which the server names if a signature has several outputs. */
function valueOf(row) {
  return row.images ?? row.image_bytes ?? row;
}
