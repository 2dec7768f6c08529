// Principal directions of a generator: the latent directions that change its images most.
//
// J is the matrix of derivatives of the pixels by the latent's coordinates. The REST API does not
// give it, so it is measured: one image at a latent, and one for a small step along each coordinate.
// The directions are the leading eigenvectors of the mean of J'J over several latents.

const STEP = 0.1;
const MOST_VALUES = 6e6;
const VALUES_PER_REQUEST = 4e5;
const ROUNDS = 60;

/**
 * Measures the directions.
 *
 * @param images async function of latents that returns one flat array of pixels for each.
 * @param latents starting points, most wanted first; as many are used as the size of the images
 *   allows.
 * @param count number of directions.
 * @param progress function of a fraction.
 * @returns {directions: unit vectors, shares: each one's share of the total change}.
 */
export async function principalDirections(images, latents, count, progress) {
  const dim = latents[0].length;
  const gram = new Float64Array(dim * dim);
  let [used, total, asked] = [0, 1, 0];
  for (; used < total; used += 1) {
    const base = latents[used];
    const points = [base];
    for (let i = 0; i < dim; i += 1) {
      points.push(base.map((value, k) => (k === i ? value + STEP : value)));
    }
    const pixels = await images(points.slice(0, 1));
    const size = pixels[0].length;
    total = Math.min(latents.length, Math.max(1, Math.floor(MOST_VALUES / (size * (dim + 1)))));
    const rows = Math.max(1, Math.floor(VALUES_PER_REQUEST / size));
    for (let i = 1; i < points.length; i += rows) {
      pixels.push(...await images(points.slice(i, i + rows)));
      asked += Math.min(rows, points.length - i);
      progress(asked / (dim * total));
    }
    addGram(gram, pixels, dim);
  }
  return leading(gram, dim, count);
}

/** Adds J'J of one latent; the first row of pixels is that of the latent itself. */
function addGram(gram, pixels, dim) {
  const slopes = pixels.slice(1).map((row) => (
    Float32Array.from(row, (value, k) => (value - pixels[0][k]) / STEP)
  ));
  for (let i = 0; i < dim; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = 0;
      for (let k = 0; k < slopes[i].length; k += 1) sum += slopes[i][k] * slopes[j][k];
      gram[i * dim + j] += sum;
      if (i !== j) gram[j * dim + i] += sum;
    }
  }
}

/** Returns the leading eigenvectors of a symmetric matrix, by subspace iteration. */
export function leading(matrix, dim, count) {
  const times = (vector) => Array.from({ length: dim }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < dim; j += 1) sum += matrix[i * dim + j] * vector[j];
    return sum;
  });
  // More vectors than wanted, because the last ones converge slowly.
  const width = Math.min(dim, count + 4);
  let vectors = Array.from({ length: width }, (_, k) => (
    Array.from({ length: dim }, (_, i) => Math.sin(1 + (i + 1) * (k + 1)))
  ));
  for (let round = 0; round < ROUNDS; round += 1) vectors = orthonormal(vectors.map(times));
  const trace = Array.from({ length: dim }, (_, i) => matrix[i * dim + i]).reduce((a, b) => a + b);
  const found = vectors.map((vector) => {
    const share = dot(vector, times(vector)) / (trace || 1);
    const largest = vector.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
    return { share, vector: vector.map((value) => (largest < 0 ? -value : value)) };
  });
  found.sort((a, b) => b.share - a.share);
  const kept = found.slice(0, count);
  return { directions: kept.map((one) => one.vector), shares: kept.map((one) => one.share) };
}

function orthonormal(vectors) {
  const done = [];
  for (let vector of vectors) {
    for (const other of done) {
      const part = dot(vector, other);
      vector = vector.map((value, i) => value - part * other[i]);
    }
    const length = Math.sqrt(dot(vector, vector)) || 1;
    done.push(vector.map((value) => value / length));
  }
  return done;
}

function dot(left, right) {
  return left.reduce((sum, value, i) => sum + value * right[i], 0);
}
