// Move draws, spread, effect and margin, and see one study's interval and verdict, and how often each
// verdict comes. `verdicts.js` holds the rules.

const STUDIES = 800, SEED = 20;
const MOST_SHOWN = 20; // draws on the axis of a plan of ten
const FEW = 3, PLAN = 10; // draws to which a button goes: too few, and what the ledger plans

function explore(root, data) {
  const most = data.interval.length - 1;
  const studies = standardStudies(STUDIES, most, SEED);
  const names = data.verdicts.map(({ name }) => name);
  const tints = data.verdicts.map(({ colour }) => colour);
  const state = { draws: PLAN, rule: "10", study: 1, ...Object.values(data.presets)[0] };

  const told = status();
  const learnt = make("p", { class: "note" });
  const shares = bars("How often each verdict comes", names);
  shares.element.classList.add("named");
  shares.element.querySelectorAll("i").forEach((fill, i) => { fill.style.background = tints[i]; });
  const one = drawing("Differences of one study, their mean and interval", 0.36, (context, width, height) =>
    drawStudy(root, context, width, height, state, data, differencesOf(state)));
  const many = drawing("Share of each verdict by the number of draws", 0.5, (context, width, height) =>
    drawShares(root, context, width, height, state, data, studies, tints));

  const draw = later(() => {
    const n = state.draws, looks = looksOf(data.rules, state.rule, n);
    const found = sharesOf(studies, n, state, looks);
    shares.set(names.map((name) => Math.min(1, found[name] ?? 0)));
    told.text = studyWords(state, data);
    learnt.textContent = powerWords(n, leastFound(studies, n, state, looks), data);
    one.redraw();
    many.redraw();
  });
  const change = (part) => { Object.assign(state, part); draw(); };

  const three = (x) => x.toFixed(3);
  const controls = {
    draws: slider("Draws R", { min: 2, max: most, step: 1, value: state.draws, format: (x) => `${x}` }, (draws) => change({ draws })),
    effect: slider("True effect", { min: -0.1, max: 0.15, step: 0.001, value: state.effect, format: three }, (effect) => change({ effect })),
    spread: slider("Spread (SD)", { min: 0.001, max: 0.1, step: 0.001, value: state.spread, format: three }, (spread) => change({ spread })),
    margin: slider("Margin m", { min: 0.001, max: 0.05, step: 0.001, value: state.margin, format: three }, (margin) => change({ margin })),
    paper: slider("Paper's effect", { min: 0, max: 0.2, step: 0.005, value: state.paper, format: three }, (paper) => change({ paper })),
  };
  const rules = Object.keys(data.rules).filter((rule) => rule !== "once")
    .map((rule) => [rule, `looks at ${data.rules[rule].map((look) => look.n).join(", ")}`]);
  const rule = choice("Rule", [...rules, ["once", "one look, p < 0.05 (not ours)"]], state.rule, (value) => change({ rule: value }));
  const presets = Object.entries(data.presets).map(([name, setting]) => button(name, () => {
    for (const [part, value] of Object.entries(setting)) controls[part].value = value;
    change(setting);
  }));
  const jumps = [FEW, PLAN].map((draws) => button(`R = ${draws}`, () => { controls.draws.value = draws; change({ draws }); }));
  const again = button("Another study", () => change({ study: state.study + 1 }));

  root.append(
    make("style", { text: ".named li { grid-template-columns: minmax(7rem, 13rem) minmax(3rem, 1fr) 2.6rem; }" }),
    make("h2", { text: "A claim's dial" }),
    make("p", { text: "What can R training draws say? Set how large an effect truly is and how much its paired differences spread; the verdict follows the rules of this page. Then take R = 3: before the first look nothing is decided." }),
    make("div", { class: "split" },
      section("Setting", "", column(row(...presets), row(...jumps), ...Object.values(controls).map((each) => each.element), rule.element)),
      section("One study", "Dots are its differences, filled those on which the verdict rests; the bar is the mean of these with its 95 % interval, the band the margin, the dotted line the paper's effect.",
        one.element, told.element, row(again))),
    section(`${STUDIES} such studies`, "Left of the first look nothing is decided; a line marks R.",
      make("div", { class: "split" }, column(shares.element, learnt), many.element)),
  );
  onTheme(root, draw);
  draw();
}

// The differences (R,) of the study that is shown.
function differencesOf({ draws, effect, spread, study }) {
  const next = normals(1000 + study);
  return Array.from({ length: draws }, () => effect + spread * next());
}

// The verdict on the study that is shown, its look, and the mean with its 95 % interval by draws.
function judgedOf(state, data) {
  const n = state.draws, moments = momentsOf(differencesOf(state)), looks = looksOf(data.rules, state.rule, n);
  const interval = (k) => {
    const { mean, sd } = moments[k], half = (data.interval[k] * sd) / Math.sqrt(k);
    return { mean, low: mean - half, high: mean + half };
  };
  return { ...decide((k) => moments[k], n, looks, state.margin, state.paper), first: looks[0].n, interval };
}

function studyWords(state, data) {
  const n = state.draws, { verdict, look, first, interval } = judgedOf(state, data);
  const numbers = (k) => {
    const { mean, low, high } = interval(k);
    return `mean ${mean.toFixed(4)}, 95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}`;
  };
  const mark = n < data.fewest ? "exploratory: " : "";
  if (look === null) return `${mark}${verdict}: no look yet, the first is at R = ${first}. So far, at R = ${n}: ${numbers(n)}.`;
  const later = look < n ? ` Open dots came later; with them, at R = ${n}: ${numbers(n)}.` : "";
  return `${mark}${verdict} at the look R = ${look}: ${numbers(look)}.${later}`;
}

function powerWords(n, least, data) {
  const words = least === null ? "no true effect, however large, is found in 80 % of studies"
    : least < 0.0005 ? "even a true effect of 0.001 is found in 80 % of studies"
    : `a true effect has to be ${least.toFixed(3)} or more to be found in 80 % of studies`;
  const first = n < data.fewest ? ` Below R = ${data.fewest} every verdict is marked exploratory.` : "";
  return `With R = ${n}, this spread and this rule, ${words}.${first}`;
}

function cleared(root, context, width, height) {
  context.fillStyle = colour(root, "ground");
  context.fillRect(0, 0, width, height);
  context.font = "12px system-ui, sans-serif";
  context.setLineDash([]);
}

function drawStudy(root, context, width, height, state, data, differences) {
  cleared(root, context, width, height);
  const { look, interval } = judgedOf(state, data), judged = look ?? differences.length;
  const bar = interval(judged);
  const ends = [bar.low, bar.high, ...differences, state.margin, -state.margin, state.paper, 0];
  const low = Math.min(...ends), high = Math.max(...ends), room = 0.06 * (high - low);
  const x = (value) => 12 + ((value - low + room) / (high - low + 2 * room)) * (width - 24);
  const bottom = height - 22;
  context.fillStyle = colour(root, "wash");
  context.fillRect(x(-state.margin), 4, x(state.margin) - x(-state.margin), bottom - 4);
  line(context, colour(root, "edge"), 1, [[x(0), 4], [x(0), bottom]]);
  context.setLineDash([2, 3]);
  line(context, colour(root, "class-3"), 2, [[x(state.paper), 4], [x(state.paper), bottom]]);
  context.setLineDash([]);
  context.fillStyle = colour(root, "soft");
  const marks = [[x(0), "0"], [x(state.margin), "m"], [x(state.paper), "paper"]];
  for (const { left, text } of labelsOf((text) => context.measureText(text).width, marks, width)) {
    context.fillText(text, left, height - 6);
  }
  const middle = 0.3 * bottom;
  line(context, colour(root, "ink"), 3, [[x(bar.low), middle], [x(bar.high), middle]]);
  context.fillStyle = colour(root, "ink");
  context.fillRect(x(bar.mean) - 2, middle - 9, 4, 18);
  context.fillStyle = context.strokeStyle = colour(root, "class-0");
  context.lineWidth = 1.5;
  differences.forEach((d, i) => {
    context.beginPath();
    context.arc(x(d), 0.65 * bottom + 7 * ((i % 5) - 2), 4, 0, 2 * Math.PI);
    if (i < judged) context.fill();
    else context.stroke();
  });
}

// Labels [x, text] of an axis as [{left, text}]: those that would overlap are one, "0, paper".
function labelsOf(measure, marks, width) {
  const found = [];
  for (const [x, text] of marks.sort((a, b) => a[0] - b[0])) {
    let label = { x, text };
    for (;;) {
      label.left = Math.min(width - measure(label.text) - 2, label.x - 3);
      const last = found.at(-1);
      if (!last || label.left > last.left + measure(last.text) + 6) break;
      found.pop();
      label = { x: last.x, text: `${last.text}, ${label.text}` };
    }
    found.push(label);
  }
  return found;
}

function line(context, tint, width, points) {
  context.strokeStyle = tint;
  context.lineWidth = width;
  context.beginPath();
  points.forEach(([x, y]) => context.lineTo(x, y));
  context.stroke();
}

// Stacked shares over R, in the order of the bars.
function drawShares(root, context, width, height, state, data, studies, tints) {
  cleared(root, context, width, height);
  const last = Math.max(MOST_SHOWN, state.draws, state.rule === "once" ? 0 : Number(state.rule));
  const [left, right, top, bottom] = [44, width - 12, 8, height - 32];
  const x = (n) => left + ((n - 2) / (last - 1)) * (right - left);
  const y = (share) => bottom - share * (bottom - top);
  for (let n = 2; n <= last; n++) {
    const found = sharesOf(studies, n, state, looksOf(data.rules, state.rule, n));
    let below = 0;
    data.verdicts.forEach(({ name }, i) => {
      const share = found[name] ?? 0;
      context.fillStyle = tints[i];
      context.fillRect(x(n), y(below + share), x(n + 1) - x(n) - 1, y(below) - y(below + share));
      below += share;
    });
  }
  context.fillStyle = colour(root, "soft");
  for (const share of [0, 0.5, 1]) context.fillText(`${100 * share} %`, 2, y(share) + (share === 1 ? 10 : 0));
  for (let n = 2; n <= last; n += last > 24 ? 4 : 2) context.fillText(`${n}`, (x(n) + x(n + 1)) / 2 - 5, bottom + 14);
  context.fillText("draws R", (left + right) / 2 - 20, height - 4);
  const at = (x(state.draws) + x(state.draws + 1)) / 2;
  line(context, colour(root, "ground"), 5, [[at, top], [at, bottom]]);
  line(context, colour(root, "ink"), 2, [[at, top], [at, bottom]]);
}
