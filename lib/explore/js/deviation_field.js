// A stored deviation, scaled, moved and put on its substrate while the reader looks. `fusion.js` holds
// the arithmetic. Grey values in [0, 1]; windows are the pixels around a lesion that are kept.

const SIDE = 64;
const FUSIONS = [
  ["seam", "seam: substrate + S r (eq. 14)"],
  ["hard", "hard: substrate + r"],
  ["poisson", "Poisson: no step at the rim"],
  ["paste", "paste-back: input outside the mask"],
  ["feathered", "feathered paste-back"],
];
const SOFT = ["seam", "feathered"]; // which of them have a seam width
const REACH = 0.4; // grey units at the ends of the signed colours
const LEAST = 0.5; // share of a mask that stays in the brain however it is dragged

// Entry `index` (one number for each of the first axes) of an array.
function entry({ values, shape }, ...index) {
  const size = shape.slice(index.length).reduce((a, b) => a * b, 1);
  const at = index.reduce((sum, i, k) => sum * shape[k] + i, 0);
  return values.subarray(at * size, (at + 1) * size);
}

const greyOf = (bytes) => Float64Array.from(bytes, (v) => v / 255);
const signedOf = (bytes, step) => Float64Array.from(bytes, (v) => (v - 128) * step);

// A window put into an empty image at its corner.
function unwindowed(part, side, [top, left]) {
  const found = new Float64Array(SIDE * SIDE);
  for (let y = 0; y < side; y++) found.set(part.subarray(y * side, (y + 1) * side), (top + y) * SIDE + left);
  return found;
}

// Everything that belongs to a state {subject, extent, seed, frame, severity, fusion, sigma, rows,
// columns}, as fields; `fresh` replaces what is stored by what a kernel has drawn.
function lesionOf(data, state, fresh) {
  const { subject: s, extent: e, rows, columns } = state;
  const side = data.mask.shape[2], corner = data.corner[s];
  const place = (part) => shifted(unwindowed(part, side, corner), SIDE, rows, columns);
  const healthy = greyOf(entry(data.healthy, s));
  const first = unwindowed(Float64Array.from(entry(data.mask, s, e)), side, corner); // the mask in its place
  const mask = withinBrain(shifted(first, SIDE, rows, columns), healthy);
  const trueDeviation = shifted(signedOf(entry(data.truth, s), data.truth_step.values[s]), SIDE, rows, columns)
    .map((r, i) => (healthy[i] > NOTHING || !(rows || columns) ? r : 0)); // cut to the brain as its mask is
  const truth = healthy.map((x, i) => Math.min(1, Math.max(0, x + trueDeviation[i])));
  const substrate = fresh ? fresh.substrate // what the mask has left is the input again
    : greyOf(entry(data.substrate, s, e)).map((x, i) => (first[i] && !mask[i] ? healthy[i] : x));
  const drawn = fresh ? fresh.deviation : place(storedDeviation(data, state));
  const deviation = Float64Array.from(drawn, (r, i) => (mask[i] ? state.severity * r : 0));
  const fused = fuse(state.fusion, substrate, deviation, mask, healthy, state.sigma, SIDE)
    .map((x) => Math.min(1, Math.max(0, x)));
  return { healthy, mask, substrate, deviation, fused, truth, trueDeviation, cut: count(first) - count(mask) };
}

const count = (mask) => mask.reduce((a, b) => a + b, 0);

// {rows, columns} that a mask gets to on its way to the wanted ones, pixel by pixel: along the rim of
// the brain where LEAST of it would not stay inside.
function reached(data, { subject: s, extent: e, rows, columns }, wanted) {
  const healthy = greyOf(entry(data.healthy, s)), side = data.mask.shape[2];
  const first = unwindowed(Float64Array.from(entry(data.mask, s, e)), side, data.corner[s]);
  const share = (at) => count(withinBrain(shifted(first, SIDE, at.rows, at.columns), healthy)) / count(first);
  let at = { rows, columns }, now = share(at);
  for (;;) {
    const down = Math.sign(wanted.rows - at.rows), right = Math.sign(wanted.columns - at.columns);
    const ways = [[down, right], [down, 0], [0, right]].filter(([y, x]) => y || x)
      .map(([y, x]) => ({ rows: at.rows + y, columns: at.columns + x }));
    const next = ways.find((way) => share(way) >= Math.min(LEAST, now));
    if (!next) return at;
    [at, now] = [next, share(next)];
  }
}

function storedDeviation(data, { subject: s, extent: e, seed, frame }) {
  const steps = data.way.shape[1];
  if (frame < steps - 1 && hasWay(data, { extent: e, seed })) {
    return signedOf(entry(data.way, s, frame, seed), entry(data.way_step, s, frame)[0]);
  }
  return signedOf(entry(data.deviation, s, e, seed), entry(data.deviation_step, s, e)[0]);
}

const hasWay = (data, { extent, seed }) => extent === 0 && seed < data.way.shape[2];

function explore(root, data, tell) {
  const frames = data.way.shape[1], seeds = data.deviation.shape[2];
  const state = { subject: 0, extent: 0, seed: 0, frame: frames - 1, severity: 1, fusion: "seam", sigma: 1, rows: 0, columns: 0 };
  let fresh = null, shown = null;

  const pictures = {
    substrate: picture("substrate"), deviation: picture("deviation"), fused: picture("fused"),
    truth: picture("truth"), difference: picture("fused - truth"),
  };
  const numbers = make("p", { class: "status", role: "status" });
  const place = status(), why = make("p", { class: "note" });
  const spectrum = drawing("Spectra of the drawn and the true deviation", 0.42, (context, width, height) =>
    drawSpectra(root, context, width, height, shown, data.band));

  const draw = later(() => {
    shown = lesionOf(data, state, fresh);
    showPictures(pictures, shown, state);
    numbers.replaceChildren(...errorWords(shown, state));
    place.text = placeWords(state, fresh, shown.cut);
    why.textContent = offWords(data, state, fresh);
    spectrum.redraw();
  });
  const change = (part) => { // what a kernel drew belongs to one place and extent
    const moved = ["subject", "extent", "rows", "columns", "seed"].some((name) => name in part);
    if (moved) fresh = null;
    Object.assign(state, part);
    controls.frame.input.disabled = !hasWay(data, state) || Boolean(fresh);
    controls.sigma.input.disabled = !SOFT.includes(state.fusion);
    draw();
  };

  const whole = (x) => `${x}`;
  const controls = {
    subject: choice("Subject", data.healthy.shape[0] === 1 ? [["0", "1"]]
      : Array.from({ length: data.healthy.shape[0] }, (_, i) => [`${i}`, `${i + 1}`]), "0",
    (value) => change({ subject: Number(value), rows: 0, columns: 0 })),
    fusion: choice("Fusion", FUSIONS, state.fusion, (fusion) => change({ fusion })),
    severity: slider("Severity", { min: 0, max: 3, step: 0.05, value: 1, format: (x) => `× ${x.toFixed(2)}` },
      (severity) => change({ severity })),
    extent: slider("Extent", { min: 0, max: data.extents.length - 1, step: 1, value: 0, format: (k) => `+${data.extents[k]} px` },
      (extent) => change({ extent })),
    sigma: slider("Seam width, px", { min: 0, max: 4, step: 0.25, value: 1 },
      (sigma) => change({ sigma })),
    seed: slider("Sampling seed", { min: 1, max: seeds, step: 1, value: 1, format: whole }, (k) => change({ seed: k - 1 })),
    frame: slider("Denoising", { min: 0, max: frames - 1, step: 1, value: frames - 1, format: (k) => `${k}/${frames - 1}` },
      (frame) => change({ frame })),
  };
  const back = button("Back to its place", () => change({ rows: 0, columns: 0 }));
  const live = tell.listen ? liveButton(data, state, tell, (found) => { fresh = found; controls.frame.input.disabled = true; draw(); }) : [];

  for (const name of ["substrate", "fused"]) steer(pictures[name].canvas, data, state, change);
  root.append(
    make("style", { text: ".five { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .7rem; } .legend { width: 9.5rem; margin: .5rem 0; }" }),
    make("h2", { text: "Deviation field" }),
    make("p", { text: "A healthy phantom, and a lesion that a fitted PathoSyn diffusion drew for it. Drag the mask, or focus a picture and use the arrow keys." }),
    section("Pictures", "", make("div", { class: "five" }, ...Object.values(pictures).map((each) => each.element)), legend("deviation, grey units", REACH), numbers, place.element),
    make("div", { class: "split" },
      section("Request", "", column(row(controls.subject.element, controls.fusion.element),
        ...["severity", "extent", "sigma", "seed", "frame"].map((name) => controls[name].element), why, row(back, ...live))),
      section("Spectrum of the deviation", "Power in a window of 24 pixels around the mask, logarithmic. The shaded band holds waves of 3 to 12 pixels.", spectrum.element)),
  );
  onTheme(root, draw);
  change({});
}

// Dragging or arrow keys move the mask; LEAST of it stays in the brain.
function steer(canvas, data, state, change) {
  let held = null;
  const at = (x, y) => [Math.floor((y / canvas.clientHeight) * SIDE), Math.floor((x / canvas.clientWidth) * SIDE)];
  const move = (rows, columns) => change(reached(data, state, { rows, columns }));
  canvas.addEventListener("pointerup", () => { held = null; });
  canvas.addEventListener("pointercancel", () => { held = null; });
  canvas.style.cursor = "move";
  pointer(canvas, {
    drag: (x, y) => {
      const [row, column] = at(x, y);
      held ??= [row - state.rows, column - state.columns];
      move(row - held[0], column - held[1]);
    },
    key: (dx, dy, large) => {
      const by = large ? 4 : 1;
      move(state.rows - dy * by, state.columns + dx * by);
    },
  });
}

function showPictures(pictures, shown, state) {
  const moved = state.rows || state.columns;
  pictures.substrate.grey(shown.substrate);
  pictures.substrate.outline(shown.mask);
  pictures.deviation.signed(shown.deviation, REACH);
  pictures.fused.grey(shown.fused);
  pictures.truth.grey(shown.truth);
  pictures.difference.signed(shown.fused.map((x, i) => x - shown.truth[i]), REACH);
  pictures.substrate.caption = "substrate, and the mask";
  pictures.deviation.caption = "deviation, times severity";
  pictures.fused.caption = "fused";
  pictures.truth.caption = moved ? "true lesion, moved along" : "true lesion";
  pictures.difference.caption = "fused − true lesion";
}

// "Error outside the mask: 0 ...", the number in bold.
function errorWords({ fused, healthy, truth, mask }, { fusion }) {
  const outside = meanError(fused, healthy, mask).outside, inside = meanError(fused, truth, mask).inside;
  const words = outside === 0 ? "exactly 0: the input's own pixels" : `${outside.toPrecision(3)} grey units`;
  const why = outside === 0 || fusion === "feathered" ? "" : ", what the network makes of healthy tissue";
  const apart = inside === null ? "no pixel of the mask lies in the brain" : `${inside.toPrecision(3)} grey units`;
  return [
    "Mean |fused − input| outside the mask: ", make("b", { text: words }), `${why}. `,
    "Mean |fused − true lesion| inside: ", make("b", { text: apart }), ".",
  ];
}

function placeWords({ rows, columns }, fresh, cut) {
  const apart = [];
  if (rows) apart.push(`${Math.abs(rows)} ${rows < 0 ? "up" : "down"}`);
  if (columns) apart.push(`${Math.abs(columns)} ${columns < 0 ? "left" : "right"}`);
  if (fresh) return "Drawn anew by the kernel, in this mask and at this place.";
  if (!apart.length) return "The mask is in its place.";
  const lost = cut ? ` ${cut} pixel${cut === 1 ? "" : "s"} of the mask would lie outside the brain and are cut off; at least half of it stays inside.` : "";
  return `Moved by ${apart.join(" and ")} pixels: the deviation goes with its mask, and where this has left, the substrate is the input again.${lost}`;
}

// Why a control is off.
function offWords(data, state, fresh) {
  const words = [];
  if (fresh) words.push("Denoising: what the kernel draws comes without its way from noise.");
  else if (!hasWay(data, state)) words.push(`Denoising is stored for seeds 1 to ${data.way.shape[2]} at extent +0 px alone.`);
  if (!SOFT.includes(state.fusion)) words.push("This fusion has no seam.");
  return words.join(" ");
}

// Two curves of log10 power over cycles in the window.
function drawSpectra(root, context, width, height, shown, band) {
  const ground = colour(root, "ground"), ink = colour(root, "soft");
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  if (!shown || !shown.mask.some((m) => m)) return;
  const curves = [
    ["true", colour(root, "class-2"), lesionSpectrum(shown.trueDeviation, shown.mask, SIDE)],
    ["drawn", colour(root, "class-0"), lesionSpectrum(shown.deviation, shown.mask, SIDE)],
  ];
  const [left, right, top, bottom] = [42, width - 18, 12, height - 34];
  const x = (k) => left + (k / 12) * (right - left);
  const y = (power) => bottom - ((Math.max(-4, Math.min(3, Math.log10(power))) + 4) / 7) * (bottom - top);
  context.fillStyle = colour(root, "wash");
  context.fillRect(x(band[0]), top, x(band[1]) - x(band[0]), bottom - top);
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = ink;
  for (const k of [0, 2, 4, 6, 8, 10, 12]) context.fillText(`${k}`, x(k) - 4, bottom + 15);
  for (const power of [-4, -2, 0, 2]) context.fillText(`10${superscript(power)}`, 4, y(10 ** power) + 4);
  context.fillText("cycles in the window", left + (right - left) / 2 - 55, bottom + 30);
  curves.forEach(([name, tint, powers], n) => {
    context.strokeStyle = context.fillStyle = tint;
    context.lineWidth = 2;
    context.setLineDash(n ? [] : [6, 4]);
    context.beginPath();
    powers.forEach((power, k) => context.lineTo(x(k), y(power)));
    context.stroke();
    context.setLineDash([]);
    context.fillText(n ? "drawn" : "true (dashed)", right - 90, top + 14 + 16 * n);
  });
}

const superscript = (n) => `${n}`.replace(/[-0-9]/g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);

// A button that asks the kernel for a new lesion in this mask, at this place.
function liveButton(data, state, tell, done) {
  let asked = 0;
  tell.listen((answer) => {
    if (answer.ask !== asked) return; // of an earlier place
    done({ substrate: Float64Array.from(answer.substrate), deviation: Float64Array.from(answer.deviation) });
  });
  return [button("Draw anew with the kernel", () => {
    const { subject, extent, rows, columns } = state;
    asked += 1;
    tell({ ask: asked, subject, extent: data.extents[extent], rows, columns, seed: asked });
  })];
}
