// Latents of seeds: the numbers of TensorFlow's stateless Philox generator, as zoo/latents.py draws
// them. A page cannot ask for the latent of a seed, so it computes it, and checks the result.

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57];
const KEY_STEPS = [0x9e3779b9, 0xbb67ae85];
const SCRAMBLING_KEY = [0x3ec8f720, 0x02461e29];

/** Returns the latent of a seed: "normal" (N(0, 1)) or "uniform" (U(-1, 1)) numbers. */
export function latentOf(seed, dim, kind) {
  const [low, high] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
  const mixed = philox([low, high, 0, 0], SCRAMBLING_KEY);
  const key = mixed.slice(0, 2);
  const latent = [];
  for (let block = 0; latent.length < dim; block += 1) {
    const bits = philox([block, 0, mixed[2], mixed[3]], key);
    latent.push(...(kind === "uniform" ? bits.map((b) => 2 * fraction(b) - 1) : normals(bits)));
  }
  return latent.slice(0, dim);
}

/** Returns the latent at a fraction of the way from a to b, as zoo/latents.py computes it. */
export function between(a, b, fraction, kind) {
  const mix = (left, right) => a.map((value, i) => left * value + right * b[i]);
  const linear = mix(1 - fraction, fraction);
  if (kind === "uniform") return linear;
  const dot = (left, right) => left.reduce((sum, value, i) => sum + value * right[i], 0);
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const sine = Math.sin(angle);
  if (!(sine > 1e-3)) return linear;
  return mix(Math.sin((1 - fraction) * angle) / sine, Math.sin(fraction * angle) / sine);
}

/** Returns the four 32-bit numbers of a counter and a key. */
function philox(counter, key) {
  let [a, b, c, d] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round += 1) {
    const [high0, low0] = product(MULTIPLIERS[0], a);
    const [high1, low1] = product(MULTIPLIERS[1], c);
    [a, b, c, d] = [(high1 ^ b ^ k0) >>> 0, low1, (high0 ^ d ^ k1) >>> 0, low0];
    k0 = (k0 + KEY_STEPS[0]) >>> 0;
    k1 = (k1 + KEY_STEPS[1]) >>> 0;
  }
  return [a, b, c, d];
}

function product(left, right) {
  const whole = BigInt(left) * BigInt(right);
  return [Number(whole >> 32n), Number(whole & 0xffffffffn)];
}

/** Returns a number in [0, 1) made of the lower 23 bits. */
function fraction(bits) {
  return (bits & 0x7fffff) / 2 ** 23;
}

/** Returns four normal numbers, by the transformation of Box and Muller. */
function normals(bits) {
  return [0, 2].flatMap((i) => {
    const angle = 2 * Math.PI * fraction(bits[i + 1]);
    const radius = Math.sqrt(-2 * Math.log(Math.max(fraction(bits[i]), 1e-7)));
    return [Math.sin(angle) * radius, Math.cos(angle) * radius];
  });
}
