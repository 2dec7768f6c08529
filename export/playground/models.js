// The served models: their versions, and what their signatures allow.

import { get, pathOf } from "./rest.js";

/** Returns {models: the names of the models, rest_url: the server behind this one or ""}. */
export async function listModels() {
  return get("models.json");
}

/** Returns the versions of a model: [{version, state, message}], the highest first. */
export async function listVersions(name) {
  const status = await get(pathOf(name));
  return (status.model_version_status ?? []).map((one) => ({
    version: one.version, state: one.state, message: one.status?.error_message ?? "",
  }));
}

/**
 * Reads the signatures of a version.
 *
 * Returns {name, version, kind, shape, latentDim, conditional, signatures}. The kind is
 * "generator", "classifier", "critic" or "unknown". The signatures are
 * {name: {inputs: {key: {dtype, shape}}, outputs: ...}}.
 */
export async function describe(name, version) {
  const metadata = await get(`${pathOf(name, version)}/metadata`);
  const signatures = {};
  const found = metadata.metadata?.signature_def?.signature_def ?? {};
  for (const [key, { inputs, outputs }] of Object.entries(found)) {
    if (!key.startsWith("__")) {
      signatures[key] = { inputs: tensors(inputs), outputs: tensors(outputs) };
    }
  }
  return { name, version, signatures, ...kindOf(signatures) };
}

/** Returns the number of classes of a conditional generator, or null. */
export async function classCount({ name, version }) {
  const query = new URLSearchParams({ model: name, version });
  return (await get(`classes.json?${query}`)).count;
}

function tensors(infos) {
  return Object.fromEntries(Object.entries(infos ?? {}).map(([key, info]) => [
    key,
    { dtype: info.dtype, shape: (info.tensor_shape?.dim ?? []).map((d) => Number(d.size)) },
  ]));
}

function kindOf(signatures) {
  const plain = signatures.serving_default;
  const generated = signatures.generate?.outputs.images;
  if (isImages(generated) && signatures.generate.inputs.seed) {
    const latent = plain?.inputs.latent;
    return {
      kind: "generator",
      shape: generated.shape.slice(1),
      conditional: "label" in signatures.generate.inputs,
      latentDim: latent?.shape.length === 2 && plain.outputs.images ? latent.shape[1] : 0,
    };
  }
  const images = plain?.inputs.images;
  if (isImages(images) && images.dtype === "DT_UINT8") {
    const shape = images.shape.slice(1);
    if (plain.outputs.probabilities) return { kind: "classifier", shape };
    if (plain.outputs.score) return { kind: "critic", shape };
  }
  return { kind: "unknown" };
}

function isImages(tensor) {
  return tensor?.shape.length === 4 && tensor.shape.slice(1).every((size) => size > 0);
}
