// Requests to the REST API of TensorFlow Serving, and the times of their answers.

const KEPT = 100;
const times = [];
let answered = 0;

/** A request that failed, with a text for the user. */
export class RequestError extends Error {}

/** Returns the median time of the last answers in milliseconds, and the number of all answers. */
export function latency() {
  const sorted = [...times].sort((a, b) => a - b);
  return { p50: sorted[Math.floor((sorted.length - 1) / 2)], answered };
}

/** Returns the path of a model, or of one of its versions. */
export function pathOf(model, version) {
  const path = `/v1/models/${encodeURIComponent(model)}`;
  return version ? `${path}/versions/${version}` : path;
}

/** Returns the JSON answer to a GET request. */
export async function get(path) {
  return (await ask(path, {})).document;
}

/** Returns the rows that a signature computes from rows of inputs. */
export async function predict({ name, version }, signature, instances) {
  return post(name, version, "predict", { signature_name: signature, instances }, "predictions");
}

/** Returns the classes and scores of image files. */
export async function classify({ name, version }, examples) {
  const body = { signature_name: "classify", examples };
  return post(name, version, "classify", body, "results");
}

async function post(name, version, verb, body, key) {
  const path = `${pathOf(name, version)}:${verb}`;
  const { document, milliseconds } = await ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!Array.isArray(document[key])) {
    throw new RequestError(`The server's answer has no "${key}".`);
  }
  times.push(milliseconds);
  answered += 1;
  if (times.length > KEPT) times.shift();
  globalThis.document.dispatchEvent(new Event("answered"));
  return document[key];
}

async function ask(path, options) {
  const start = performance.now();
  let response, text;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
    text = await response.text();
  } catch (error) {
    throw new RequestError(`The server does not answer (${error.message}). Is it running?`);
  }
  const milliseconds = performance.now() - start;
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    const start = text.slice(0, 80);
    throw new RequestError(`The answer is not valid JSON (HTTP ${response.status}): ${start}`);
  }
  if (!response.ok) {
    throw new RequestError(`HTTP ${response.status}: ${document.error ?? text.slice(0, 200)}`);
  }
  return { document, milliseconds };
}
