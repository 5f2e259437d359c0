// Small networks in the browser, float32, one image at a time: what lib/explore/weights.py exports.
//
//   const decode = network(layers, weights);   // layers: plain JSON; weights: Float32Array
//   const planes = decode(z);                  // Float32Array (channels * height * width)
//
// A tensor is {c, h, w, values}, its values channel by channel, row by row.

const tensor = (c, h, w, values = new Float32Array(c * h * w)) => ({ c, h, w, values });

function network(layers, weights) {
  const take = ({ at, size }) => weights.subarray(at, at + size);
  const whole = chain(layers, take);
  return (values) => whole(tensor(values.length, 1, 1, Float32Array.from(values))).values;
}

function chain(layers, take) {
  const steps = layers.map((layer) => LAYERS[layer.kind](layer, take));
  return (x) => steps.reduce((h, step) => step(h), x);
}

const LAYERS = {
  linear({ weight, bias, out }, take) {
    const matrix = take(weight), b = take(bias);
    return ({ values }) => {
      const y = Float32Array.from(b), n = values.length;
      for (let o = 0; o < out; o++) for (let i = 0; i < n; i++) y[o] += matrix[o * n + i] * values[i];
      return tensor(out, 1, 1, y);
    };
  },

  reshape: ({ shape: [c, h, w] }) => ({ values }) => tensor(c, h, w, values),

  // kernel 1 or 3, zeros around; `standardised`: weights of zero mean and unit variance (Qiao 2019)
  conv({ weight, bias, out, kernel, stride, standardised }, take) {
    const raw = take(weight), b = take(bias);
    const matrix = standardised ? standardise(raw, out) : raw;
    return (x) => (kernel === 1 ? pointwise(x, matrix, b, out) : conv3(x, matrix, b, out, stride));
  },

  // group normalisation: biased variance, eps 1e-5
  norm({ weight, bias, groups }, take) {
    const scale = take(weight), shift = take(bias);
    return (x) => {
      const y = tensor(x.c, x.h, x.w), area = x.h * x.w, size = (x.c / groups) * area;
      for (let start = 0; start < x.values.length; start += size) {
        const { mean, variance } = moments(x.values, start, size);
        const inverse = 1 / Math.sqrt(variance + 1e-5);
        for (let i = start; i < start + size; i++) {
          const c = (i / area) | 0;
          y.values[i] = (x.values[i] - mean) * inverse * scale[c] + shift[c];
        }
      }
      return y;
    };
  },

  // each channel times a number plus a number: batch normalisation as it stands after training
  affine({ weight, bias }, take) {
    const scale = take(weight), shift = take(bias);
    return (x) => each(x, (v, c) => v * scale[c] + shift[c]);
  },

  silu: () => (x) => each(x, (v) => v / (1 + Math.exp(-v))),
  relu: () => (x) => each(x, (v) => (v > 0 ? v : 0)),
  leaky: ({ slope }) => (x) => each(x, (v) => (v > 0 ? v : slope * v)),
  sigmoid: () => (x) => each(x, sigmoid),

  // twice the height and width, bilinear, pixel centres apart (align_corners=False)
  bilinear: () => (x) => {
    const y = tensor(x.c, 2 * x.h, 2 * x.w);
    const rows = halves(x.h), columns = halves(x.w);
    let to = 0;
    for (let c = 0; c < x.c; c++) {
      for (const [r0, r1, r] of rows) {
        const top = (c * x.h + r0) * x.w, below = (c * x.h + r1) * x.w;
        for (const [c0, c1, t] of columns) {
          const a = x.values[top + c0] * (1 - t) + x.values[top + c1] * t;
          const b = x.values[below + c0] * (1 - t) + x.values[below + c1] * t;
          y.values[to++] = a * (1 - r) + b * r;
        }
      }
    }
    return y;
  },

  // twice the height and width by repetition
  repeat: () => (x) => {
    const y = tensor(x.c, 2 * x.h, 2 * x.w);
    for (let c = 0, to = 0; c < x.c; c++) {
      for (let r = 0; r < y.h; r++) {
        const from = (c * x.h + (r >> 1)) * x.w;
        for (let i = 0; i < y.w; i++) y.values[to++] = x.values[from + (i >> 1)];
      }
    }
    return y;
  },

  mean: () => (x) => {
    const y = tensor(x.c, 1, 1), area = x.h * x.w;
    for (let c = 0; c < x.c; c++) y.values[c] = moments(x.values, c * area, area).mean;
    return y;
  },

  // skip(x) + body(x)
  residual({ body, skip }, take) {
    const inner = chain(body, take), past = chain(skip, take);
    return (x) => {
      const a = inner(x), b = past(x);
      return each(a, (v, c, i) => v + b.values[i]);
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

function each(x, call) {
  const y = tensor(x.c, x.h, x.w), area = x.h * x.w;
  for (let c = 0, i = 0; c < x.c; c++) for (let k = 0; k < area; k++, i++) y.values[i] = call(x.values[i], c, i);
  return y;
}

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

// Where each of 2n pixels lies between n: [left, right, share of the right].
function halves(n) {
  return Array.from({ length: 2 * n }, (_, i) => {
    const at = Math.max(0, (i + 0.5) / 2 - 0.5), left = Math.floor(at);
    return [left, Math.min(left + 1, n - 1), at - left];
  });
}

function pointwise(x, matrix, bias, out) {
  const y = tensor(out, x.h, x.w), area = x.h * x.w;
  for (let o = 0; o < out; o++) {
    const to = o * area;
    y.values.fill(bias[o], to, to + area);
    for (let c = 0; c < x.c; c++) {
      const w = matrix[o * x.c + c], from = c * area;
      for (let i = 0; i < area; i++) y.values[to + i] += w * x.values[from + i];
    }
  }
  return y;
}

function padded({ c, h, w, values }) {
  const p = tensor(c, h + 2, w + 2);
  for (let k = 0; k < c; k++) {
    for (let r = 0; r < h; r++) {
      const from = (k * h + r) * w;
      p.values.set(values.subarray(from, from + w), (k * p.h + r + 1) * p.w + 1);
    }
  }
  return p;
}

// All nine taps in the innermost loop: each output is read and written once a channel.
function conv3(x, matrix, bias, out, stride) {
  const p = padded(x), y = tensor(out, Math.ceil(x.h / stride), Math.ceil(x.w / stride));
  const from = p.values, to = y.values, area = y.h * y.w;
  for (let o = 0; o < out; o++) {
    to.fill(bias[o], o * area, (o + 1) * area);
    for (let c = 0; c < x.c; c++) {
      const [a, b, d, e, f, g, h, i, j] = matrix.subarray((o * x.c + c) * 9, (o * x.c + c) * 9 + 9);
      for (let r = 0; r < y.h; r++) {
        let top = (c * p.h + r * stride) * p.w, t = o * area + r * y.w;
        for (const end = t + y.w; t < end; t++, top += stride) {
          const mid = top + p.w, low = mid + p.w;
          to[t] += a * from[top] + b * from[top + 1] + d * from[top + 2]
            + e * from[mid] + f * from[mid + 1] + g * from[mid + 2]
            + h * from[low] + i * from[low + 1] + j * from[low + 2];
        }
      }
    }
  }
  return y;
}
