// Readers' scores as the file of lib/datasets/ratings.py, their order and their agreement. `scores` are
// {image: {text, mask}}, each a whole number or absent.

const CRITERIA = ["text", "mask"];

// A whole number from a name (FNV-1a), so that every reader has an order of their own.
function seedOf(name) {
  let hash = 0x811c9dc5;
  for (const character of name) {
    hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193) >>> 0;
  }
  return hash;
}

// The numbers below n in an order that a seed gives (mulberry32, Fisher and Yates).
function shuffledOrder(n, seed) {
  const order = Array.from({ length: n }, (_, i) => i);
  let state = seed >>> 0;
  for (let i = n - 1; i > 0; i--) {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    const j = Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

// Which criteria an image has: those of its set's condition.
const criteriaOf = (data, image) =>
  CRITERIA.filter((_, k) => data.conditions[data.condition[Math.floor(image / data.each)]][k]);

// Whether every score of an image is given.
const isRated = (data, scores, image) =>
  criteriaOf(data, image).every((criterion) => Number.isInteger(scores[image]?.[criterion]));

// The text of the file, one row for every image that is rated, by image.
function toCsv(data, reader, scores) {
  const images = Object.keys(scores).map(Number).filter((image) => isRated(data, scores, image)).sort((a, b) => a - b);
  const rows = images.map((image) => {
    const set = Math.floor(image / data.each);
    const own = criteriaOf(data, image);
    return [reader, set, image, data.condition[set], ...CRITERIA.map((criterion) => (own.includes(criterion) ? scores[image][criterion] : ""))];
  });
  return [data.columns, ...rows].map((cells) => `${cells.join(",")}\n`).join("");
}

// {reader, scores} of such a file about the same images; throws an Error that says what is wrong.
function fromCsv(data, text) {
  const [head, ...lines] = text.replace(/^\ufeff/, "").trim().split(/\r?\n/);
  const names = head.split(",").map((name) => name.trim());
  const missing = data.columns.find((column) => !names.includes(column));
  if (missing) throw new Error(`the file has no column ${missing}`);
  const readers = new Set(), scores = {};
  lines.forEach((line, i) => {
    const cells = line.split(",").map((cell) => cell.trim());
    const cell = (column) => cells[names.indexOf(column)];
    const where = `line ${i + 2}`, image = Number(cell("image")), set = Math.floor(image / data.each);
    if (cells.length !== names.length) throw new Error(`${where} has ${cells.length} cells, the header ${names.length}`);
    if (!data.condition[set] || Number(cell("set")) !== set || cell("condition") !== data.condition[set]) {
      throw new Error(`${where} is about an image that this form does not show`);
    }
    scores[image] = scoresOf(data, image, cell, where);
    readers.add(cell("reader"));
  });
  if (readers.size !== 1) throw new Error(`the file has ${readers.size} readers; load one at a time`);
  return { reader: [...readers][0], scores };
}

function scoresOf(data, image, cell, where) {
  const given = criteriaOf(data, image).map((criterion) => {
    const score = cell(`${criterion}_score`);
    if (!/^\d+$/.test(score) || Number(score) > data.best) throw new Error(`${where}: ${criterion}_score is no whole number from 0 to ${data.best}`);
    return [criterion, Number(score)];
  });
  return Object.fromEntries(given);
}

// Cohen's kappa with quadratic weights of two lists of scores; null without a pair, and where both
// readers gave every image the same one score.
function weightedKappa(one, other) {
  const n = one.length;
  const apart = (a, b) => a.reduce((sum, x) => sum + b.reduce((inner, y) => inner + (x - y) ** 2, 0), 0);
  const expected = n ? apart(one, other) / n ** 2 : 0;
  if (!expected) return null;
  return 1 - one.reduce((sum, x, i) => sum + (x - other[i]) ** 2, 0) / n / expected;
}

// {criterion: {n, kappa}} over the images that both have scored.
function agreement(mine, theirs) {
  return Object.fromEntries(CRITERIA.map((criterion) => {
    const both = Object.keys(mine).filter((image) =>
      [mine, theirs].every((scores) => Number.isInteger(scores[image]?.[criterion])));
    const of = (scores) => both.map((image) => scores[image][criterion]);
    return [criterion, { n: both.length, kappa: weightedKappa(of(mine), of(theirs)) }];
  }));
}
