// One parameter of a law moved at a time, from stored sweeps; and a test of the reader's own eye.

const REACH = 0.4; // grey units at the ends of the signed colours
const FIRST = 5; // of the values, shown when a parameter is chosen

function explore(root, data) {
  const state = { kind: 0, dial: 0, subject: 0, value: FIRST, fade: 1, outline: true };
  const rounds = {}; // of the eye test, by what is set: [right, of]
  let pair = null;

  const pictures = { image: picture("image"), healthy: picture("healthy twin"), deviation: picture("deviation"), mask: picture("mask") };
  const told = status(), numbers = make("table");
  const curve = drawing("How often the lesion is picked out of two, by the parameter's value", 0.55,
    (context, width, height) => drawCurve(root, context, width, height, curveOf(data, state, rounds)));

  const draw = later(() => {
    const shown = scene(data, state);
    showScene(pictures, shown, state.outline);
    told.text = sceneWords(data, state, shown);
    numbers.replaceChildren(...numberLines(data, state, shown));
    curve.redraw();
  });
  const change = (part) => {
    Object.assign(state, part);
    if ("kind" in part || "dial" in part) refill();
    showDial();
    draw();
    ask();
  };

  // ---- controls
  const kinds = toggle("Law", data.kinds.map(({ title }, k) => [k, title]), 0, (kind) => change({ kind, dial: 0, value: FIRST }));
  const dials = choice("Parameter", [], "0", (dial) => change({ dial: Number(dial), value: FIRST }));
  const subjects = toggle("Subject", [[0, "1"], [1, "2"]], 0, (subject) => change({ subject }));
  const value = slider("Value", { min: 0, max: 8, step: 1, value: 0, format: (k) => `${dialOf(data, state).values[k]}` }, (k) => change({ value: k }));
  const fade = slider("Fade lesion to", { min: 0, max: 1, step: 0.01, value: 1, format: (x) => `${Math.round(100 * x)} %` }, (share) => change({ fade: share }));
  const plain = button("As its seed has it", () => change({ value: null }));
  const refill = () => {
    const { title, dials: all } = data.kinds[state.kind];
    dials.options(all.map((dial, k) => [`${k}`, `${dial.title} (${dial.part})`]));
    dials.value = `${state.dial}`;
    value.input.max = dialOf(data, state).values.length - 1;
    pictures.image.element.parentElement?.setAttribute("aria-label", title);
  };
  const showDial = () => {
    value.value = state.value ?? value.value;
    value.input.closest("label").querySelector("output").textContent = state.value === null ? "its own" : `${dialOf(data, state).values[state.value]}`;
    plain.disabled = state.value === null;
  };
  const outline = check("Outline of the mask", true, (on) => change({ outline: on }));

  // ---- the reader's eye: two subjects, one with and one without a lesion
  const eye = [picture("left"), picture("right")], answer = status();
  const ask = () => {
    if (state.value === null) {
      answer.text = "Move the value first; the test is about one value.";
      pair = null;
    } else if (![0, 1].every((subject) => isDrawn(scene(data, { ...state, subject })))) {
      answer.text = "There is nothing to find: here an image is the same as its healthy twin. Raise the value or the fade.";
      pair = null;
    } else if (!pair || pair.key !== keyOf(state)) {
      pair = newPair(data, state);
      answer.text = "Which one has the lesion?";
    }
    eye.forEach((each, side) => each.grey(pair ? pair.images[side] : new Uint8Array(64 * 64), 0, 255));
    guesses.forEach((each) => { each.disabled = !pair; });
  };
  const guess = (side) => {
    const right = side === pair.sick, kept = (rounds[pair.key] ??= [0, 0]);
    kept[0] += right;
    kept[1] += 1;
    pair = newPair(data, state);
    answer.text = `${right ? "Right" : "No, it was the other"}: ${kept[0]} of ${kept[1]} at this value. Which one now?`;
    ask();
    curve.redraw();
  };
  const guesses = [button("The left one", () => guess(0)), button("The right one", () => guess(1))];

  root.append(
    make("h2", { text: "Phantom laboratory" }),
    make("p", { text: "A subject of a law, drawn again at nine values of one parameter; all else stays as its seed has it, noise included. Fade the lesion until you lose it." }),
    section("Request", "", column(row(kinds.element, subjects.element), dials.element, value.element, fade.element, row(plain, outline.element))),
    section("Pictures", "", row(...Object.values(pictures).map((each) => each.element), legend("deviation, grey units", REACH)), told.element),
    make("div", { class: "split" },
      section("Can the lesion be found?", "Line: a model observer, the channelised Hotelling observer. It is told place and shape and knows how healthy images vary; it is no network and no person. Dots: you.", curve.element),
      section("Your own eye", "Two subjects, one of them with its lesion at this value. Half of the guesses are right by chance.",
        row(...eye.map((each) => each.element)), row(...guesses), answer.element)),
    section("Beside patients", "Of the whole image, in the scale in which patients' images were measured.", wide("Numbers beside those of patients", numbers)),
  );
  onTheme(root, draw);
  change({ kind: 0 });
}

const dialOf = (data, { kind, dial }) => data.kinds[kind].dials[dial];
const keyOf = ({ kind, dial, value, fade }) => `${kind}/${dial}/${value}/${fade}`;

// The part of an array of a law that belongs to a state; arrays hold dials, subjects and values in this
// order, those under plain/ subjects alone.
function partOf(data, { kind, dial, subject, value }, name) {
  const law = data.kinds[kind].name;
  const [count, subjects, steps] = data[`${law}/image`].shape;
  const { values } = data[value === null ? `${law}/plain/${name}` : `${law}/${name}`];
  const size = values.length / (value === null ? subjects : count * subjects * steps);
  const at = value === null ? subject : (dial * subjects + subject) * steps + value;
  return values.subarray(at * size, (at + 1) * size);
}

// The image with its lesion faded to a share, bytes as numbers; what the scanner adds stays.
function fadedImage(data, state) {
  const image = partOf(data, state, "image"), healthy = partOf(data, state, "healthy");
  return Float64Array.from(image, (x, i) => healthy[i] + state.fade * (x - healthy[i]));
}

// What is shown. The mask holds a lesion that is there: without one it is empty, in every law.
function scene(data, state) {
  const [healthy, mask, numbers] = ["healthy", "mask", "numbers"].map((name) => partOf(data, state, name));
  const image = fadedImage(data, state);
  const shown = { image, healthy, mask, numbers, deviation: image.map((x, i) => (x - healthy[i]) / 255) };
  return isDrawn(shown) ? shown : { ...shown, mask: new Uint8Array(mask.length) };
}

// Whether a pixel on the screen differs from the healthy twin.
const isDrawn = ({ image, healthy }) => image.some((x, i) => Math.round(x) !== healthy[i]);

// Probability that a standard normal number is below x (Abramowitz and Stegun 7.1.26, to 1e-7).
function normalShare(x) {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const tail = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592].reduce((sum, c) => (sum + c) * t, 0);
  const within = 1 - tail * Math.exp(-(x * x) / 2);
  return x < 0 ? (1 - within) / 2 : (1 + within) / 2;
}

// How often the observer picks the faded lesion out of two; NaN where it was not asked.
const pickedShare = (data, state) => normalShare((state.fade * partOf(data, state, "detectability")[0]) / Math.SQRT2);

function showScene(pictures, { image, healthy, mask, deviation }, outline) {
  pictures.image.grey(image, 0, 255);
  if (outline) pictures.image.outline(mask);
  pictures.healthy.grey(healthy, 0, 255);
  pictures.deviation.signed(deviation, REACH);
  pictures.mask.grey(mask);
}

function sceneWords(data, state, { mask }) {
  const area = mask.reduce((a, b) => a + b, 0);
  const pixels = area ? `a mask of ${area} pixel${area === 1 ? "" : "s"}` : "no lesion is seen, so its mask is empty";
  if (state.value === null) return `As its seed has it: ${pixels}.`;
  const { title, values } = dialOf(data, state);
  const contrast = state.fade * partOf(data, state, "contrast")[0], correct = pickedShare(data, state);
  const found = Number.isNaN(correct) ? "the observer was not asked here" : `the observer picks it out of two in ${Math.round(100 * correct)} %`;
  const mean = area ? `, mean deviation ${contrast.toFixed(3)}` : "";
  return `${title}: ${values[state.value]}; ${pixels}${mean}; ${found}.`;
}

// Lines of the table: a measure of this image, and of patients' images.
function numberLines(data, { kind }, { numbers }) {
  const law = data.kinds[kind].name;
  const head = make("tr", {}, ...["of the image", "here", "patients", "10 to 90 %"].map((text) => make("th", { text, scope: "col" })));
  const text = (x) => (x === null || Number.isNaN(x) ? "not measured" : x.toPrecision(2));
  return [head, ...data.measures.map(({ title, real }, k) => {
    const [middle, low, high] = real[law];
    const range = low === null ? "" : `${text(low)} to ${text(high)}`;
    return make("tr", {}, make("th", { text: title, scope: "row" }), ...[text(numbers[k]), text(middle), range].map((cell) => make("td", { text: cell })));
  })];
}

// A new pair of images: the lesion is in one subject or the other, left or right.
function newPair(data, state) {
  const sick = Math.random() < 0.5 ? 0 : 1, left = Math.random() < 0.5 ? 0 : 1;
  const images = [0, 1].map((side) => {
    const subject = side === 0 ? left : 1 - left;
    return side === sick ? fadedImage(data, { ...state, subject }) : partOf(data, { ...state, subject }, "healthy");
  });
  return { key: keyOf(state), sick, images };
}

// {values, correct, at, own}: the observer's curve, the place of the dial, the reader's own shares.
function curveOf(data, state, rounds) {
  const { values } = dialOf(data, state);
  const correct = values.map((_, value) => pickedShare(data, { ...state, value }));
  const own = values.map((_, value) => rounds[keyOf({ ...state, value })]);
  return { values, correct, own, at: state.value };
}

// Shares from 0.4 to 1; the values evenly spaced, as the slider has them.
function drawCurve(root, context, width, height, { values, correct, own, at }) {
  context.fillStyle = colour(root, "ground");
  context.fillRect(0, 0, width, height);
  const [left, right, top, bottom] = [40, width - 18, 12, height - 22];
  const x = (k) => left + (k / (values.length - 1)) * (right - left);
  const y = (share) => bottom - ((share - 0.4) / 0.6) * (bottom - top);
  context.font = "12px system-ui, sans-serif";
  context.lineWidth = 1;
  context.strokeStyle = colour(root, "line");
  for (const share of [0.5, 0.75, 1]) {
    context.fillStyle = colour(root, "soft");
    context.fillText(`${100 * share} %`, 2, y(share) + 4);
    stroke(context, [[left, y(share)], [right, y(share)]]);
  }
  values.forEach((value, k) => { if (k % 2 === 0) context.fillText(`${value}`, x(k) - 8, height - 6); });
  if (at !== null) {
    context.strokeStyle = colour(root, "edge");
    stroke(context, [[x(at), top], [x(at), bottom]]);
  }
  context.strokeStyle = colour(root, "class-0");
  context.lineWidth = 2;
  stroke(context, correct.map((share, k) => [x(k), y(share)]).filter(([, each]) => !Number.isNaN(each)));
  context.fillStyle = colour(root, "class-1");
  own.forEach((kept, k) => {
    if (!kept) return;
    context.beginPath();
    context.arc(x(k), y(Math.max(0.4, kept[0] / kept[1])), 5, 0, 2 * Math.PI);
    context.fill();
  });
}

function stroke(context, points) {
  context.beginPath();
  points.forEach(([x, y]) => context.lineTo(x, y));
  context.stroke();
}
