// Small networks in the browser, float32, one image at a time: what lib/explore/weights.py exports.
//
//   const decode = network(layers, weights);   // layers: plain JSON; weights: Float32Array
//   const planes = decode(z);                  // Float32Array (channels * height * width)
//
// A tensor is {c, h, w, values}, its values channel by channel, row by row. Heights and widths are even.
// Each layer writes into one tensor of its own, call after call, so that no memory is asked for in a
// frame. Convolutions are products of matrices, in blocks of 4 x 4 that stay in registers.

const tensor = (c, h, w, values = new Float32Array(c * h * w)) => ({ c, h, w, values });

// A tensor of the size that is asked for: the same one as long as that does not change.
function reused() {
  let kept = tensor(0, 0, 0);
  return (c, h, w) => (kept.c === c && kept.h === h && kept.w === w ? kept : (kept = tensor(c, h, w)));
}

function network(layers, weights) {
  const take = ({ at, size }) => weights.subarray(at, at + size);
  const whole = chain(layers, take);
  return (values) => whole(tensor(values.length, 1, 1, Float32Array.from(values))).values.slice();
}

function chain(layers, take) {
  const steps = layers.map((layer) => LAYERS[layer.kind](layer, take));
  return (x) => steps.reduce((h, step) => step(h), x);
}

const LAYERS = {
  linear({ weight, bias, out }, take) {
    const matrix = take(weight), b = take(bias), y = tensor(out, 1, 1);
    return ({ values }) => {
      const n = values.length;
      for (let o = 0; o < out; o++) {
        let sum = b[o];
        for (let i = 0; i < n; i++) sum += matrix[o * n + i] * values[i];
        y.values[o] = sum;
      }
      return y;
    };
  },

  reshape: ({ shape: [c, h, w] }) => ({ values }) => tensor(c, h, w, values),

  // kernel 1 or 3, zeros around; `standardised`: weights of zero mean and unit variance (Qiao 2019)
  conv({ weight, bias, out, kernel, stride, standardised }, take) {
    const raw = take(weight), b = take(bias);
    const matrix = standardised ? standardise(raw, out) : raw;
    return kernel === 3 && stride === 1 ? winograd(matrix, b, out) : direct(matrix, b, out, kernel, stride);
  },

  // group normalisation: biased variance, eps 1e-5
  norm({ weight, bias, groups }, take) {
    const scale = take(weight), shift = take(bias), make = reused();
    return (x) => {
      const y = make(x.c, x.h, x.w), from = x.values, to = y.values, area = x.h * x.w;
      const each = x.c / groups;
      for (let c = 0; c < x.c; c += each) {
        const { mean, variance } = moments(from, c * area, each * area);
        const inverse = 1 / Math.sqrt(variance + 1e-5);
        for (let k = c; k < c + each; k++) {
          const times = inverse * scale[k], plus = shift[k] - mean * times;
          for (let i = k * area; i < (k + 1) * area; i++) to[i] = from[i] * times + plus;
        }
      }
      return y;
    };
  },

  // each channel times a number plus a number: batch normalisation as it stands after training
  affine({ weight, bias }, take) {
    const scale = take(weight), shift = take(bias), make = reused();
    return (x) => {
      const y = make(x.c, x.h, x.w), from = x.values, to = y.values, area = x.h * x.w;
      for (let c = 0; c < x.c; c++) {
        const times = scale[c], plus = shift[c];
        for (let i = c * area; i < (c + 1) * area; i++) to[i] = from[i] * times + plus;
      }
      return y;
    };
  },

  silu() {
    const make = reused();
    return (x) => {
      const y = make(x.c, x.h, x.w), from = x.values, to = y.values;
      for (let i = 0; i < to.length; i++) to[i] = from[i] / (1 + Math.exp(-from[i]));
      return y;
    };
  },

  relu: () => LAYERS.leaky({ slope: 0 }),

  leaky({ slope }) {
    const make = reused();
    return (x) => {
      const y = make(x.c, x.h, x.w), from = x.values, to = y.values;
      for (let i = 0; i < to.length; i++) to[i] = from[i] > 0 ? from[i] : slope * from[i];
      return y;
    };
  },

  sigmoid() {
    const make = reused();
    return (x) => {
      const y = make(x.c, x.h, x.w), from = x.values, to = y.values;
      for (let i = 0; i < to.length; i++) to[i] = sigmoid(from[i]);
      return y;
    };
  },

  // twice the height and width, bilinear, pixel centres apart (align_corners=False): rows, then
  // columns; a new pixel takes 3/4 of its own and 1/4 of the next one, at the border its own alone
  bilinear() {
    const tall = reused(), make = reused();
    return (x) => {
      const between = tall(x.c, 2 * x.h, x.w), y = make(x.c, 2 * x.h, 2 * x.w), { h, w } = x;
      for (let c = 0; c < x.c; c++) {
        for (let r = 0; r < 2 * h; r++) {
          const own = r >> 1, next = Math.min(h - 1, Math.max(0, own + (r & 1 ? 1 : -1)));
          mixed(x.values, (c * h + own) * w, (c * h + next) * w, between.values, (c * 2 * h + r) * w, w);
        }
      }
      for (let row = 0; row < x.c * 2 * h; row++) widened(between.values, row * w, w, y.values, 2 * row * w);
      return y;
    };
  },

  // twice the height and width by repetition
  repeat() {
    const make = reused();
    return (x) => {
      const y = make(x.c, 2 * x.h, 2 * x.w), from = x.values, to = y.values, width = y.w;
      for (let row = 0; row < x.c * x.h; row++) {
        const start = 2 * row * width;
        for (let i = 0; i < width; i++) to[start + i] = from[row * x.w + (i >> 1)];
        to.copyWithin(start + width, start, start + width);
      }
      return y;
    };
  },

  mean() {
    const make = reused();
    return (x) => {
      const y = make(x.c, 1, 1), area = x.h * x.w;
      for (let c = 0; c < x.c; c++) y.values[c] = moments(x.values, c * area, area).mean;
      return y;
    };
  },

  // skip(x) + body(x)
  residual({ body, skip }, take) {
    const inner = chain(body, take), past = chain(skip, take), make = reused();
    return (x) => {
      const a = inner(x), b = past(x), y = make(a.c, a.h, a.w);
      for (let i = 0; i < y.values.length; i++) y.values[i] = a.values[i] + b.values[i];
      return y;
    };
  },

  // self-attention over all pixels, from queries, keys and values stacked as channels
  attention: () => (qkv) => {
    const width = qkv.c / 3, n = qkv.h * qkv.w, v = qkv.values;
    const y = tensor(width, qkv.h, qkv.w), weight = new Float32Array(n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let dot = 0;
        for (let c = 0; c < width; c++) dot += v[c * n + i] * v[(width + c) * n + j];
        weight[j] = dot / Math.sqrt(width);
      }
      softmax(weight, 0, n, 1);
      for (let c = 0; c < width; c++) {
        let sum = 0;
        for (let j = 0; j < n; j++) sum += weight[j] * v[(2 * width + c) * n + j];
        y.values[c * n + i] = sum;
      }
    }
    return y;
  },

  // the same at linear cost: softmax of queries over channels, of keys over pixels (Shen 2018)
  linear_attention: () => (qkv) => {
    const width = qkv.c / 3, n = qkv.h * qkv.w, v = Float32Array.from(qkv.values);
    for (let i = 0; i < n; i++) softmax(v, i, width, n);
    for (let c = width; c < 2 * width; c++) softmax(v, c * n, n, 1);
    const y = tensor(width, qkv.h, qkv.w);
    for (let a = 0; a < width; a++) {
      for (let b = 0; b < width; b++) {
        let context = 0;
        for (let j = 0; j < n; j++) context += v[(width + a) * n + j] * v[(2 * width + b) * n + j];
        for (let i = 0; i < n; i++) y.values[b * n + i] += context * v[a * n + i];
      }
    }
    return y;
  },
};

const sigmoid = (v) => 1 / (1 + Math.exp(-v));

function moments(values, start, size) {
  let sum = 0, squares = 0;
  for (let i = start; i < start + size; i++) sum += values[i];
  const mean = sum / size;
  for (let i = start; i < start + size; i++) squares += (values[i] - mean) ** 2;
  return { mean, variance: squares / size };
}

function standardise(raw, out) {
  const size = raw.length / out, matrix = new Float32Array(raw.length);
  for (let start = 0; start < raw.length; start += size) {
    const { mean, variance } = moments(raw, start, size);
    const inverse = 1 / Math.sqrt(variance + 1e-5);
    for (let i = start; i < start + size; i++) matrix[i] = (raw[i] - mean) * inverse;
  }
  return matrix;
}

// In place, over `count` values from `start`, `step` apart.
function softmax(values, start, count, step) {
  const end = start + count * step;
  let most = -Infinity, sum = 0;
  for (let i = start; i < end; i += step) most = Math.max(most, values[i]);
  for (let i = start; i < end; i += step) sum += values[i] = Math.exp(values[i] - most);
  for (let i = start; i < end; i += step) values[i] /= sum;
}

// ---- rows of a picture ----

// to[.. + i] = 3/4 of a row and 1/4 of another one.
function mixed(from, own, next, to, at, n) {
  for (let i = 0; i < n; i++) to[at + i] = 0.75 * from[own + i] + 0.25 * from[next + i];
}

// A row of n pixels, twice as wide.
function widened(from, at, n, to, start) {
  let left = from[at], own = left;
  for (let i = 0; i < n; i++) {
    const right = i < n - 1 ? from[at + i + 1] : own;
    to[start + 2 * i] = 0.75 * own + 0.25 * left;
    to[start + 2 * i + 1] = 0.75 * own + 0.25 * right;
    left = own;
    own = right;
  }
}

function padded({ c, h, w, values }, p) {
  for (let k = 0; k < c; k++) {
    for (let r = 0; r < h; r++) {
      const from = (k * h + r) * w, to = (k * p.h + r + 1) * p.w + 1;
      for (let i = 0; i < w; i++) p.values[to + i] = values[from + i];
    }
  }
  return p;
}

// ---- products of matrices ----

const blocks = (n) => Math.ceil(n / 4) * 4; // rows or columns in whole blocks

// Numbers for a step between two layers: the same ones as long as their count does not change.
function buffer() {
  let kept = new Float64Array(0);
  return (size) => (kept.length === size ? kept : (kept = new Float64Array(size)));
}

// The rows of a matrix (m, k), four by four and then column by column, as `product` reads them; rows
// of zeros make the number of rows a multiple of four.
function packedRows(m, k, value) {
  const packed = new Float64Array(blocks(m) * k);
  for (let i = 0; i < m; i++) for (let j = 0; j < k; j++) packed[(((i >> 2) * k + j) << 2) + (i & 3)] = value(i, j);
  return packed;
}

// C (blocks(m), n) = packed A (m, k) times B (k, n), n a multiple of four; `a`, `b` and `c` say
// where the matrices begin.
function product(A, a, B, b, C, c, m, k, n) {
  for (let i = 0; i < m; i += 4) {
    for (let j = 0; j < n; j += 4) {
      let c00 = 0, c01 = 0, c02 = 0, c03 = 0, c10 = 0, c11 = 0, c12 = 0, c13 = 0;
      let c20 = 0, c21 = 0, c22 = 0, c23 = 0, c30 = 0, c31 = 0, c32 = 0, c33 = 0;
      for (let at = a + i * k, end = at + 4 * k, from = b + j; at < end; at += 4, from += n) {
        const b0 = B[from], b1 = B[from + 1], b2 = B[from + 2], b3 = B[from + 3];
        const a0 = A[at], a1 = A[at + 1], a2 = A[at + 2], a3 = A[at + 3];
        c00 += a0 * b0; c01 += a0 * b1; c02 += a0 * b2; c03 += a0 * b3;
        c10 += a1 * b0; c11 += a1 * b1; c12 += a1 * b2; c13 += a1 * b3;
        c20 += a2 * b0; c21 += a2 * b1; c22 += a2 * b2; c23 += a2 * b3;
        c30 += a3 * b0; c31 += a3 * b1; c32 += a3 * b2; c33 += a3 * b3;
      }
      let to = c + i * n + j;
      C[to] = c00; C[to + 1] = c01; C[to + 2] = c02; C[to + 3] = c03;
      to += n;
      C[to] = c10; C[to + 1] = c11; C[to + 2] = c12; C[to + 3] = c13;
      to += n;
      C[to] = c20; C[to + 1] = c21; C[to + 2] = c22; C[to + 3] = c23;
      to += n;
      C[to] = c30; C[to + 1] = c31; C[to + 2] = c32; C[to + 3] = c33;
    }
  }
}

// A convolution as one product: every column of B is what the kernel sees of a new pixel.
function direct(matrix, bias, out, kernel, stride) {
  const border = reused(), make = reused(), size = kernel * kernel;
  const columns = buffer(), found = buffer();
  let packed;
  return (x) => {
    const y = make(out, Math.ceil(x.h / stride), Math.ceil(x.w / stride)), area = y.h * y.w;
    const p = kernel === 1 ? x : padded(x, border(x.c, x.h + 2, x.w + 2)), n = blocks(area), k = x.c * size;
    packed ??= packedRows(out, k, (o, i) => matrix[o * k + i]);
    const B = columns(k * n), C = found(blocks(out) * n);
    for (let i = 0; i < k; i++) {
      const c = (i / size) | 0, row = ((i % size) / kernel) | 0, column = i % kernel;
      for (let r = 0, to = i * n; r < y.h; r++) {
        let from = (c * p.h + r * stride + row) * p.w + column;
        for (const end = to + y.w; to < end; to++, from += stride) B[to] = p.values[from];
      }
    }
    product(packed, 0, B, 0, C, 0, out, k, n);
    for (let o = 0; o < out; o++) for (let i = 0; i < area; i++) y.values[o * area + i] = C[o * n + i] + bias[o];
    return y;
  };
}

// A 3 x 3 convolution in tiles of 2 x 2 new pixels, 16 multiplications each instead of 36
// (Lavin and Gray 2016, F(2 x 2, 3 x 3)): 16 products, one for each pixel of a transformed 4 x 4.
function winograd(matrix, bias, out) {
  const border = reused(), make = reused();
  const seen = buffer(), found = buffer();
  let packed;
  return (x) => {
    const y = make(out, x.h, x.w), p = padded(x, border(x.c, x.h + 2, x.w + 2));
    const n = blocks((x.h * x.w) / 4), rows = blocks(out), k = x.c;
    packed ??= transformedKernels(matrix, out, k);
    const V = seen(16 * k * n), M = found(16 * rows * n);
    transformedTiles(p, V, n);
    for (let i = 0; i < 16; i++) product(packed, i * rows * k, V, i * k * n, M, i * rows * n, out, k, n);
    newPixels(M, rows, n, bias, y);
    return y;
  };
}

// G g G' of every kernel g, for each of its 16 numbers a matrix (out, channels) as `product` reads it.
function transformedKernels(matrix, out, channels) {
  const G = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]];
  const parts = Array.from({ length: 16 }, (_, at) => packedRows(out, channels, (o, c) => {
    const g = matrix.subarray((o * channels + c) * 9, (o * channels + c) * 9 + 9), up = G[at >> 2], across = G[at & 3];
    let sum = 0;
    for (let i = 0; i < 9; i++) sum += up[(i / 3) | 0] * across[i % 3] * g[i];
    return sum;
  }));
  const all = new Float64Array(16 * parts[0].length);
  parts.forEach((part, at) => all.set(part, at * part.length));
  return all;
}

// B' d B of every 4 x 4 tile d (they overlap by two) of a padded tensor: to[number][channel][tile].
function transformedTiles(p, to, n) {
  const v = p.values, w = p.w, step = p.c * n;
  for (let c = 0; c < p.c; c++) {
    let at = c * n;
    for (let r = 0; r < p.h - 2; r += 2) {
      for (let i = (c * p.h + r) * w, end = i + w - 2; i < end; i += 2, at++) {
        const j = i + w, k = j + w, l = k + w;
        const a0 = v[i] - v[k], a1 = v[i + 1] - v[k + 1], a2 = v[i + 2] - v[k + 2], a3 = v[i + 3] - v[k + 3];
        const b0 = v[j] + v[k], b1 = v[j + 1] + v[k + 1], b2 = v[j + 2] + v[k + 2], b3 = v[j + 3] + v[k + 3];
        const c0 = v[k] - v[j], c1 = v[k + 1] - v[j + 1], c2 = v[k + 2] - v[j + 2], c3 = v[k + 3] - v[j + 3];
        const d0 = v[j] - v[l], d1 = v[j + 1] - v[l + 1], d2 = v[j + 2] - v[l + 2], d3 = v[j + 3] - v[l + 3];
        let t = at;
        to[t] = a0 - a2; t += step; to[t] = a1 + a2; t += step; to[t] = a2 - a1; t += step; to[t] = a1 - a3; t += step;
        to[t] = b0 - b2; t += step; to[t] = b1 + b2; t += step; to[t] = b2 - b1; t += step; to[t] = b1 - b3; t += step;
        to[t] = c0 - c2; t += step; to[t] = c1 + c2; t += step; to[t] = c2 - c1; t += step; to[t] = c1 - c3; t += step;
        to[t] = d0 - d2; t += step; to[t] = d1 + d2; t += step; to[t] = d2 - d1; t += step; to[t] = d1 - d3;
      }
    }
  }
}

// A' m A of every tile m, and the bias: the new pixels of y.
function newPixels(m, rows, n, bias, y) {
  const v = y.values, w = y.w, step = rows * n;
  for (let o = 0; o < y.c; o++) {
    let at = o * n;
    for (let r = 0; r < y.h; r += 2) {
      for (let i = (o * y.h + r) * w, end = i + w; i < end; i += 2, at++) {
        const b = at + 4 * step, c = b + 4 * step, d = c + 4 * step;
        const t0 = m[at] + m[b] + m[c], t1 = m[at + step] + m[b + step] + m[c + step];
        const t2 = m[at + 2 * step] + m[b + 2 * step] + m[c + 2 * step];
        const t3 = m[at + 3 * step] + m[b + 3 * step] + m[c + 3 * step];
        const s0 = m[b] - m[c] - m[d], s1 = m[b + step] - m[c + step] - m[d + step];
        const s2 = m[b + 2 * step] - m[c + 2 * step] - m[d + 2 * step];
        const s3 = m[b + 3 * step] - m[c + 3 * step] - m[d + 3 * step];
        v[i] = t0 + t1 + t2 + bias[o];
        v[i + 1] = t1 - t2 - t3 + bias[o];
        v[i + w] = s0 + s1 + s2 + bias[o];
        v[i + w + 1] = s1 - s2 - s3 + bias[o];
      }
    }
  }
}
