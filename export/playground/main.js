// The start of the page: the choice of a model and its version.

import { Classifier, classNames } from "./classifier.js";
import { Grid } from "./grid.js";
import { describe, listModels, listVersions } from "./models.js";
import { element, guarded, setOptions, showError, showStatus } from "./page.js";
import { Path } from "./path.js";
import { latency } from "./rest.js";
import { Sliders } from "./sliders.js";

const state = { versions: {}, described: new Map(), names: new Map() };

/** Returns the versions of a model; one without a number has the message of a failed request. */
async function versionsOf(name) {
  try {
    return await listVersions(name);
  } catch (error) {
    return [{ version: "", state: "not found", message: error.message }];
  }
}

/** Returns the description of a version, which does not change. */
async function described(name, version) {
  const key = JSON.stringify([name, version]);
  if (!state.described.has(key)) state.described.set(key, await describe(name, version));
  return state.described.get(key);
}

/** Returns the names of a classifier's classes. */
async function namesOf(model) {
  if (!state.names.has(model)) state.names.set(model, await classNames(model));
  return state.names.get(model);
}

/** Returns the newest version of each served generator. */
async function generators() {
  const found = [];
  for (const [name, versions] of Object.entries(state.versions)) {
    const [newest] = versions.filter((one) => one.state === "AVAILABLE");
    if (newest) found.push(await described(name, newest.version));
  }
  return found.filter((one) => one.kind === "generator");
}

/** Returns the names of a generator's classes, which the classifier next to it knows. */
async function namesForGenerator(model) {
  const name = model.name.replace(/_generator$/, "");
  const version = state.versions[name]?.find((one) => one.state === "AVAILABLE")?.version;
  if (name === model.name || !version) return [];
  const classifier = await described(name, version);
  return classifier.kind === "classifier" ? namesOf(classifier) : [];
}

const load = guarded(async (isNewest) => {
  showError("");
  hidePanels();
  const chosen = element("model").value;
  const { models, rest_url: url } = await listModels();
  if (!models.length) {
    throw new Error("The server has no model. Start it with --model-base-path or --model-config-file.");
  }
  const pairs = await Promise.all(models.map(async (name) => [name, await versionsOf(name)]));
  if (!isNewest()) return;
  state.versions = Object.fromEntries(pairs);
  state.described.clear();
  state.names.clear();
  setOptions(element("model"), models.map((name) => [name, name]));
  if (models.includes(chosen)) element("model").value = chosen;
  document.title = `Playground - ${url || "Lipschitz GAN Zoo"}`;
  await chooseModel();
});

async function chooseModel() {
  const versions = state.versions[element("model").value];
  setOptions(element("version"), versions.map(({ version, state: of }) => (
    [version, of === "AVAILABLE" ? version : `${version} (${of})`]
  )));
  const loaded = versions.find((one) => one.state === "AVAILABLE");
  if (loaded) element("version").value = loaded.version;
  await chooseVersion();
}

const chooseVersion = guarded(async (isNewest) => {
  hidePanels();
  showError("");
  const name = element("model").value;
  const chosen = state.versions[name].find((one) => one.version === element("version").value);
  if (["START", "LOADING"].includes(chosen?.state)) {
    showStatus(`The server is loading ${name} ...`);
    setTimeout(() => isNewest() && load(), 1000);
    return;
  }
  if (!chosen || chosen.state !== "AVAILABLE") {
    const why = chosen ? `its state is "${chosen.state}". ${chosen.message}` : "it has no version.";
    throw new Error(`The model ${name} cannot answer: ${why} Reload the models later.`);
  }
  const model = await described(name, chosen.version);
  if (!isNewest()) return;
  showStatus(`${name}, version ${chosen.version}`);
  if (model.kind === "generator") {
    const names = await namesForGenerator(model);
    if (!isNewest()) return;
    element("generator").hidden = false;
    await grid.show(model, names);
  } else if (model.kind === "unknown") {
    const has = Object.keys(model.signatures).join(", ") || "none";
    throw new Error(`This page does not know the signatures of ${name}: ${has}. It knows those of `
      + "the zoo's generators, classifiers and critics (docs/serving.md).");
  } else {
    const names = model.kind === "classifier" ? await namesOf(model) : [];
    const others = await generators();
    if (!isNewest()) return;
    element("classifier").hidden = false;
    await classifier.show(model, names, others);
  }
});

function hidePanels() {
  element("generator").hidden = true;
  element("classifier").hidden = true;
}

function hasCanvas() {
  try {
    return Boolean(document.createElement("canvas").getContext("2d"));
  } catch {
    return false;
  }
}

let grid, classifier;

function start() {
  if (!hasCanvas()) {
    showError("This browser cannot draw on a canvas, which this page needs. Use another browser.");
    return;
  }
  const [path, sliders] = [new Path(), new Sliders()];
  classifier = new Classifier();
  grid = new Grid((first, second) => {
    path.show(grid.model, first, second, grid.label, grid.truncation);
    sliders.choose(grid.model, first, grid.label, grid.truncation);
  });
  element("choice").addEventListener("submit", (event) => event.preventDefault());
  element("reload").addEventListener("click", load);
  element("model").addEventListener("change", guarded(chooseModel));
  element("version").addEventListener("change", chooseVersion);
  document.addEventListener("answered", () => {
    const { p50, answered } = latency();
    element("latency").textContent = `p50 ${p50.toFixed(0)} ms, ${answered} answers`;
  });
  load();
}

start();
