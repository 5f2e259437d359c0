// Fields on a square grid of pixels, and putting a deviation back on its substrate: the same
// functions as lib/generators/{control,fusion,membrane}.py, which the tests compare.
// Fields are flat arrays of side * side values, masks of 0 and 1.

const NOTHING = 0.02; // grey value up to which a pixel shows nothing, so is no brain

// A field shifted down by `rows` and to the right by `columns`; what leaves is cut, 0 comes in.
function shifted(field, side, rows, columns) {
  const found = new Float64Array(side * side);
  for (let y = Math.max(0, rows); y < Math.min(side, side + rows); y++) {
    for (let x = Math.max(0, columns); x < Math.min(side, side + columns); x++) {
      found[y * side + x] = field[(y - rows) * side + x - columns];
    }
  }
  return found;
}

// A mask cut to the brain of an image.
const withinBrain = (mask, image) => Float64Array.from(mask, (m, i) => (m && image[i] > NOTHING ? 1 : 0));

// A Gaussian of `sigma` pixels, cut at four of them; beyond the border its last pixel goes on.
function gaussian(field, side, sigma) {
  if (!sigma) return Float64Array.from(field);
  const reach = Math.floor(4 * sigma + 0.5);
  const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, k) => Math.exp(-((k - reach) ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((a, b) => a + b);
  const clamp = (i) => Math.min(side - 1, Math.max(0, i));
  const pass = (from, across, along) => {
    const to = new Float64Array(side * side);
    for (let a = 0; a < side; a++) {
      for (let b = 0; b < side; b++) {
        let sum = 0;
        for (let k = -reach; k <= reach; k++) sum += weights[k + reach] * from[a * across + clamp(b + k) * along];
        to[a * across + b * along] = sum / total;
      }
    }
    return to;
  };
  return pass(pass(field, side, 1), 1, side);
}

// The field nearest in gradient to `deviation` that is 0 outside the mask, by conjugate gradients.
function spreadInside(deviation, mask, side) {
  const places = [];
  const number = new Int32Array(side * side).fill(-1);
  mask.forEach((m, i) => { if (m) number[i] = places.push(i) - 1; });
  const around = places.map((i) => neighbours(i, side));
  const inside = around.map((each) => each.map((j) => number[j]).filter((k) => k >= 0));
  const right = places.map((i, k) => inside[k].reduce((sum, other) => sum + deviation[i] - deviation[places[other]], 0));
  const solved = conjugateGradients(
    (u) => u.map((value, k) => around[k].length * value - inside[k].reduce((sum, other) => sum + u[other], 0)),
    Float64Array.from(right),
  );
  const found = new Float64Array(side * side);
  places.forEach((i, k) => { found[i] = solved[k]; });
  return found;
}

// Pixels above, below, left and right that lie in the picture.
function neighbours(i, side) {
  const y = Math.floor(i / side), x = i % side;
  const found = [];
  if (x > 0) found.push(i - 1);
  if (x < side - 1) found.push(i + 1);
  if (y > 0) found.push(i - side);
  if (y < side - 1) found.push(i + side);
  return found;
}

// u with apply(u) = right, apply symmetric and positive.
function conjugateGradients(apply, right) {
  const dot = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);
  const u = new Float64Array(right.length);
  let rest = right, way = right, size = dot(rest, rest);
  const enough = 1e-20 * size;
  for (let step = 0; step < 4 * right.length && size > enough; step++) {
    const image = apply(way);
    const length = size / dot(way, image);
    u.forEach((_, k) => { u[k] += length * way[k]; });
    rest = rest.map((value, k) => value - length * image[k]);
    const next = dot(rest, rest);
    const old = way;
    way = rest.map((value, k) => value + (next / size) * old[k]);
    size = next;
  }
  return u;
}

// An image of substrate, deviation and mask, not clipped; `kind` as in lib/generators/fusion.py.
function fuse(kind, substrate, deviation, mask, image, sigma, side) {
  const spread = kind === "poisson" ? spreadInside(deviation, mask, side) : deviation;
  const added = Float64Array.from(mask, (m, i) => (m ? spread[i] : 0));
  const soft = kind === "seam" || kind === "feathered" ? gaussian(mask, side, sigma) : mask;
  return Float64Array.from(substrate, (base, i) => {
    if (kind === "feathered") return image[i] + soft[i] * (base + added[i] - image[i]);
    if (kind === "paste") return mask[i] ? base + added[i] : image[i];
    return mask[i] ? base + soft[i] * added[i] : base;
  });
}

// Mean |a - b| over the pixels outside a mask, and inside it.
function meanError(a, b, mask) {
  const sums = [0, 0], counts = [0, 0];
  mask.forEach((m, i) => {
    sums[m ? 1 : 0] += Math.abs(a[i] - b[i]);
    counts[m ? 1 : 0] += 1;
  });
  return { outside: counts[0] ? sums[0] / counts[0] : null, inside: counts[1] ? sums[1] / counts[1] : null };
}

// Power of a field in a Hann window of `size` pixels around the middle of a mask, less its mean, by
// whole cycles in the window, 0 to size / 2: lib/metrics/deviations.py, lesion_spectrum.
function lesionSpectrum(field, mask, side, size = 24) {
  const [top, left] = windowAround(mask, side, size);
  const part = new Float64Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) part[y * size + x] = field[(top + y) * side + left + x];
  }
  const mean = part.reduce((a, b) => a + b) / part.length;
  const hann = Float64Array.from({ length: size }, (_, k) => 0.5 - 0.5 * Math.cos((2 * Math.PI * k) / (size - 1)));
  const power = squaredTransform(part.map((v, i) => (v - mean) * hann[Math.floor(i / size)] * hann[i % size]), size);
  return ringMeans(power, size);
}

// First row and column of the window, shifted inwards where it would leave the image.
function windowAround(mask, side, size) {
  const sums = [0, 0];
  let count = 0;
  mask.forEach((m, i) => {
    if (!m) return;
    sums[0] += Math.floor(i / side);
    sums[1] += i % side;
    count += 1;
  });
  const first = (sum) => nearestEven(sum / count - (size - 1) / 2);
  return sums.map((sum) => Math.min(side - size, Math.max(0, first(sum))));
}

// The nearest whole number; of two the even one, as numpy has it.
function nearestEven(x) {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 ? low + 1 : low;
}

// |discrete Fourier transform|^2 of a square field, rows first, then columns.
function squaredTransform(field, size) {
  const turn = (2 * Math.PI) / size;
  const real = new Float64Array(size * size), imaginary = new Float64Array(size * size);
  const power = new Float64Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let u = 0; u < size; u++) {
      for (let x = 0; x < size; x++) {
        real[y * size + u] += field[y * size + x] * Math.cos(turn * u * x);
        imaginary[y * size + u] -= field[y * size + x] * Math.sin(turn * u * x);
      }
    }
  }
  for (let v = 0; v < size; v++) {
    for (let u = 0; u < size; u++) {
      let a = 0, b = 0;
      for (let y = 0; y < size; y++) {
        const c = Math.cos(turn * v * y), s = Math.sin(turn * v * y);
        a += real[y * size + u] * c + imaginary[y * size + u] * s;
        b += imaginary[y * size + u] * c - real[y * size + u] * s;
      }
      power[v * size + u] = a * a + b * b;
    }
  }
  return power;
}

// Mean power by whole cycles (rounded down), from 0 to half the side.
function ringMeans(power, size) {
  const cycles = (k) => (k < size / 2 ? k : k - size);
  const sums = new Float64Array(size), counts = new Float64Array(size);
  power.forEach((value, i) => {
    const ring = Math.floor(Math.hypot(cycles(Math.floor(i / size)), cycles(i % size)));
    sums[ring] += value;
    counts[ring] += 1;
  });
  return Array.from({ length: size / 2 + 1 }, (_, k) => sums[k] / counts[k]);
}
