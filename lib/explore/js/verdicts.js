// The verdict on paired differences, as lib/claims/{verdict,looks,kinds}.py have it. A look is {n, level,
// two, one}: its draws, its level of p, and the |t| beyond which p is below it, two- and one-sided.

const REPRODUCED = "reproduced on phantoms", DIRECTION = "direction reproduced";
const NO_EFFECT = "no meaningful effect", REVERSED = "not reproduced (reversed)";
const INCONCLUSIVE = "inconclusive";

// The verdict of one look at n differences with this mean and SD.
function verdictAt(mean, sd, n, look, margin, paper) {
  let clear, equal;
  if (sd > 0) {
    const error = sd / Math.sqrt(n);
    clear = Math.abs(mean) / error > look.two;
    equal = (margin - Math.abs(mean)) / error > look.one;
  } else { // n equal differences show no more than n equal signs do
    clear = (mean === 0 ? 1 : 2 ** (1 - n)) < look.level;
    equal = Math.abs(mean) < margin;
  }
  if (clear && mean > 0) return mean >= Math.max(margin, paper / 2) ? REPRODUCED : DIRECTION;
  if (equal) return NO_EFFECT;
  return clear ? REVERSED : INCONCLUSIVE;
}

// {verdict, look}: what the looks that n draws allow find, the first that decides, else the last; look
// is null before the first. at(n) gives {mean, sd} of the first n.
function decide(at, n, looks, margin, paper) {
  let found = { verdict: INCONCLUSIVE, look: null };
  for (const look of looks) {
    if (look.n > n) break;
    const { mean, sd } = at(look.n);
    found = { verdict: verdictAt(mean, sd, look.n, look, margin, paper), look: look.n };
    if (found.verdict !== INCONCLUSIVE) break;
  }
  return found;
}

// The looks of a rule at n draws: a plan's, or the only one.
const looksOf = (rules, rule, n) => (rule === "once" ? rules.once.filter((look) => look.n === n) : rules[rule]);

// {mean, sd} of the first n differences, for n from 0 to all.
function momentsOf(differences) {
  let sum = 0, squares = 0;
  const found = [{ mean: NaN, sd: NaN }];
  const first = differences[0];
  differences.forEach((d, i) => {
    const n = i + 1;
    sum += d - first; // from the first one, so that equal differences have no spread
    squares += (d - first) ** 2;
    const left = squares - (sum * sum) / n;
    found.push({ mean: first + sum / n, sd: n > 1 ? Math.sqrt(Math.max(0, left) / (n - 1)) : NaN });
  });
  return found;
}

// A generator of standard normal numbers from a whole seed (mulberry32, then Box and Muller).
function normals(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

// Moments of `count` studies of `most` standard normal differences each.
function standardStudies(count, most, seed) {
  const next = normals(seed);
  return Array.from({ length: count }, () => momentsOf(Array.from({ length: most }, next)));
}

// {verdict: share} of studies with this true effect and spread, after n draws.
function sharesOf(studies, n, { effect, spread, margin, paper }, looks) {
  const counts = {};
  for (const study of studies) {
    const at = (k) => ({ mean: effect + spread * study[k].mean, sd: spread * study[k].sd });
    const { verdict } = decide(at, n, looks, margin, paper);
    counts[verdict] = (counts[verdict] ?? 0) + 1 / studies.length;
  }
  return counts;
}

// The least true effect that is found (reproduced, or its direction) in so many studies; null if none
// up to `largest` is.
function leastFound(studies, n, setting, looks, power = 0.8, largest = 1) {
  const found = (effect) => {
    const shares = sharesOf(studies, n, { ...setting, effect }, looks);
    return (shares[REPRODUCED] ?? 0) + (shares[DIRECTION] ?? 0) >= power;
  };
  if (!found(largest)) return null;
  let low = 0, high = largest;
  for (let step = 0; step < 14; step++) {
    const middle = (low + high) / 2;
    if (found(middle)) high = middle;
    else low = middle;
  }
  return high;
}
