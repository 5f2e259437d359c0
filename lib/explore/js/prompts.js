// Films for a text and a mask, and what an independent reader sees in them: stored ones, and in a live
// notebook new ones. What is honoured was decided in Python; here it is shown.

const SIDE = 64;
const MARKS = [["", ""], ["✓", "honoured"], ["✗", "dropped"], ["+", "added"]];
const MASK_COLOUR = "#e69f00", READ_COLOUR = "#56b4e9";
const LESION = "pneumothorax"; // the finding that has masks and outlines
const REACH = 40; // pixels by which a mask can be moved
const SEEDS = 99; // the highest seed; 0 is that of the stored films
const LOOKS = `
  .films { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .7rem; }
  .films figure, .asked figure { min-width: 0; }
  .asked { display: grid; grid-template-columns: minmax(0, 1fr) 8.5rem; gap: 1.1rem; align-items: start; }
  .picks { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .1rem 1.1rem; border: 0; padding: 0; margin: 0; }
  .picks legend { padding: 0; color: var(--soft); font-size: .86rem; }
  .pick { display: flex; gap: .5rem; align-items: center; min-height: 2.1rem; }
  .pick select { margin-left: auto; }
  :disabled + span { color: var(--soft); text-decoration: line-through; text-decoration-color: var(--edge); }
  .toggle :disabled { cursor: not-allowed; }
  .order { font-size: 1.05rem; }
  .order input { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--edge); border-radius: 5px; padding: .25rem .5rem; width: min(34rem, 100%); }
  .seen { width: 100%; table-layout: fixed; }
  .seen td, .seen th { padding: .25rem .35rem; text-align: left; vertical-align: top; }
  .seen th:first-child { width: 30%; overflow-wrap: break-word; }
  .seen th small { display: block; color: var(--soft); font-weight: 400; }
  .seen .asks { font-weight: 650; }
  .level { position: relative; display: block; height: .45rem; background: var(--wash); border: 1px solid var(--line); border-radius: 3px; margin-top: .15rem; }
  .level i { display: block; height: 100%; background: var(--edge); }
  .level b { position: absolute; top: -.2rem; bottom: -.2rem; width: 2px; background: var(--ink); }
  .mark { display: block; font-size: .84rem; white-space: nowrap; }
  .mark-honoured { color: var(--class-2); } .mark-dropped { color: var(--mark); } .mark-added { color: var(--class-3); }
  .level .mark-honoured { background: var(--class-2); } .level .mark-dropped { background: var(--mark); } .level .mark-added { background: var(--class-3); }
  .key svg { vertical-align: -1px; }
  @media (max-width: 46rem) {
    .films { grid-template-columns: repeat(2, minmax(0, 1fr)); }
    .asked { grid-template-columns: minmax(0, 1fr); }
    .asked figure { max-width: 8.5rem; }
    .seen { font-size: .78rem; } .seen .mark { position: relative; }
    .seen .mark span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    .seen td, .seen th { padding: .25rem .1rem; } .seen th:first-child { width: 36%; }
  }`;

// ---- texts and what they pick ----

// The text of picks {name: side or ""}, findings in their order; "" is no finding at all.
function textOf(data, picks) {
  return data.findings.filter((name) => name in picks).map((name) => `${picks[name]} ${name}`.trim()).join(" . ");
}

// The picks that a text is made of; null for one in other words.
function picksOf(data, text) {
  if (text === data.nothing || text === data.normal) return {};
  const picks = {};
  for (const part of text.split(" . ")) {
    const [, side, name] = /^(?:(left|right|bilateral) )?(.*)$/.exec(part);
    if (!data.findings.includes(name) || (side && !data.sided[name]?.includes(side))) return null;
    picks[name] = side ?? "";
  }
  return picks;
}

const placeOf = (data, text, mask) => data.orders.findIndex((order) => order.text === text && order.mask === mask);

// A text after a finding was checked or unchecked, or its side chosen.
function picked(data, text, name, side) {
  const picks = { ...(picksOf(data, text) ?? {}) };
  if (side === null) delete picks[name];
  else picks[name] = side;
  return textOf(data, picks) || data.nothing;
}

// ---- what is shown ----

// The films of a stored order, in the form in which a kernel answers.
function storedFilms(data, index) {
  const { text, mask, note } = data.orders[index];
  const part = (name) => {
    const { values, shape } = data[name];
    const size = (values.length / shape[0]) * data.samples;
    return values.subarray(index * size, (index + 1) * size);
  };
  const shown = { text, note, seed: 0, plane: data.planes.values.subarray(mask * SIDE * SIDE, (mask + 1) * SIDE * SIDE) };
  for (const name of ["film", "lesion", "probability", "mark", "dice", "side"]) shown[name] = part(name);
  const k = data.findings.length;
  shown.labels = data.labels.values.subarray(index * k, (index + 1) * k);
  return shown;
}

const known = (x) => x !== null && !Number.isNaN(x);

// Lines of the table: {name, note, asked, values, level, marks}; first what was asked for.
function linesOf(data, shown) {
  const lines = data.findings.map((name, j) => {
    const asked = shown.labels[j] > 0, of = (part) => Array.from({ length: data.samples }, (_, i) => part[i * data.findings.length + j]);
    const level = data[asked ? "thresholds" : "certain"].values[j];
    return { name, asked, level, values: of(shown.probability), marks: of(shown.mark), note: `AUC ${data.auc.values[j].toFixed(2)}` };
  });
  const further = [["dice", "mask", "Dice with the outline"], ["side", "side", "share of the outline"]];
  for (const [part, name, note] of further) {
    const values = [...shown[part]], level = data.bars[part];
    if (known(values[0])) lines.push({ name, note, asked: true, level, values, marks: values.map((x) => (x >= level ? 1 : 2)) });
  }
  return [...lines.filter(({ asked }) => asked), ...lines.filter(({ asked }) => !asked)];
}

// "pneumothorax honoured in 3 of 4, ...", for who does not read the table.
function summaryOf(data, lines, text) {
  const parts = lines.filter(({ asked }) => asked).map(({ name, marks }) => `${name} honoured in ${marks.filter((m) => m === 1).length} of ${data.samples}`);
  const added = lines.filter(({ marks }) => marks.includes(3)).map(({ name, marks }) => `${name} in ${marks.filter((m) => m === 3).length}`);
  const clear = Array.from({ length: data.samples }, (_, i) => lines.every(({ marks }) => marks[i] !== 3)).filter(Boolean).length;
  const well = text === data.nothing ? "" : `The reader is sure of no finding in ${clear} of ${data.samples}.`;
  const first = parts.length ? `The reader's verdict: ${parts.join("; ")}.` : well;
  return added.length ? `${first} Nobody asked for: ${added.join("; ")}.` : first;
}

// Where the reader outlines a pneumothorax that its probability does not show, in words.
function doubtOf(data, shown) {
  const k = data.findings.indexOf(LESION), level = data.thresholds.values[k];
  const outlined = (i) => shown.lesion.slice(i * SIDE * SIDE, (i + 1) * SIDE * SIDE).some((x) => x > 0);
  const where = Array.from({ length: data.samples }, (_, i) => i)
    .filter((i) => outlined(i) && shown.probability[i * data.findings.length + k] < level).map((i) => i + 1);
  if (!where.length) return "";
  const samples = where.length === 1 ? `sample ${where[0]}` : `samples ${where.slice(0, -1).join(", ")} and ${where.at(-1)}`;
  return `In ${samples} a pneumothorax is outlined although its probability stays below ${level.toFixed(2)}, from where on the reader sees one: outline and probability come from two networks.`;
}

function tableOf(data, lines) {
  const numbers = Array.from({ length: data.samples }, (_, i) => make("th", { scope: "col", text: `sample ${i + 1}` }));
  const head = make("tr", {}, make("th", { scope: "col", text: "the reader sees" }), ...numbers);
  return [head, ...lines.map(({ name, note, asked, values, level, marks }) => make("tr", {},
    make("th", { scope: "row", class: asked ? "asks" : "" }, name, make("small", { text: asked ? `asked for; ${note}` : note })),
    ...values.map((x, i) => cell(x, level, marks[i])))) ];
}

// A number as a bar with a tick at its level, and its mark in words.
function cell(x, level, mark) {
  const [sign, word] = MARKS[mark];
  const fill = make("i", { class: word ? `mark-${word}` : "", style: `width: ${100 * Math.min(1, x)}%` });
  const tick = make("b", { style: `left: calc(${100 * level}% - 1px)` });
  const said = word ? [make("span", { class: `mark mark-${word}` }, `${sign} `, make("span", { text: word }))] : [];
  return make("td", {}, x.toFixed(2), make("span", { class: "level", "aria-hidden": "true" }, fill, tick), ...said);
}

// Every second pixel of the border of where values are on: unlike the mask's line also without colour.
function dotted(canvas, values) {
  const context = canvas.getContext("2d");
  const on = (x, y) => x >= 0 && y >= 0 && x < SIDE && y < SIDE && values[y * SIDE + x] > 0;
  context.fillStyle = READ_COLOUR;
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const whole = on(x - 1, y) && on(x + 1, y) && on(x, y - 1) && on(x, y + 1);
      if (on(x, y) && !whole && (x + y) % 2 === 0) context.fillRect(x, y, 1, 1);
    }
  }
}

function showFilms(pictures, shown, outlined) {
  pictures.forEach((each, i) => {
    const part = (values) => values.slice(i * SIDE * SIDE, (i + 1) * SIDE * SIDE);
    each.grey(shown ? part(shown.film) : new Uint8Array(SIDE * SIDE), 0, 255);
    const dice = shown && known(shown.dice[i]) ? `, Dice ${shown.dice[i].toFixed(2)}` : "";
    each.caption = shown ? `sample ${i + 1}${dice}` : `sample ${i + 1}: not drawn`;
    if (!shown || !outlined) return;
    each.outline(shown.plane, MASK_COLOUR);
    dotted(each.canvas, part(shown.lesion));
  });
}

// A mask after its reflection, then moved down and to the right.
function placedMask(plane, mirrored, rows, columns) {
  const found = new Uint8Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [fromY, fromX] = [y - rows, x - columns];
      if (fromY < 0 || fromX < 0 || fromY >= SIDE || fromX >= SIDE) continue;
      found[y * SIDE + x] = plane[fromY * SIDE + (mirrored ? SIDE - 1 - fromX : fromX)];
    }
  }
  return found;
}

// ---- the page ----

function explore(root, data, tell) {
  root.append(make("style", { text: LOOKS }), make("h2", { text: "Chest prompts" }));
  if (data.missing) {
    root.append(make("p", { class: "status", role: "status", text: data.missing }));
    return;
  }
  const live = Boolean(tell.listen);
  const state = { text: LESION, mask: 1, mirrored: false, rows: 0, columns: 0, outlined: true, seed: 0 };
  let shown = null, drawn = null, asked = 0, waiting = false, trouble = "";

  const pictures = Array.from({ length: data.samples }, (_, i) => picture(`sample ${i + 1}`));
  const preview = picture("the mask"), words = status(), table = make("table", { class: "seen" });
  const still = () => !state.mirrored && !state.rows && !state.columns;
  const index = () => (still() && state.seed === 0 ? placeOf(data, state.text, state.mask) : -1);

  const draw = later(() => {
    shown = index() >= 0 ? storedFilms(data, index()) : drawn;
    showFilms(pictures, shown, state.outlined);
    const plane = data.planes.values.subarray(state.mask * SIDE * SIDE, (state.mask + 1) * SIDE * SIDE);
    preview.grey(placedMask(plane, state.mirrored, state.rows, state.columns));
    preview.caption = `mask: ${data.masks[state.mask]}${still() ? "" : ", mirrored or moved"}`;
    const lines = shown ? linesOf(data, shown) : [];
    table.replaceChildren(...(shown ? tableOf(data, lines) : []));
    words.text = trouble || sentence(lines);
  });
  const sentence = (lines) => {
    if (waiting) return "The kernel draws; that takes some seconds.";
    if (!shown) return "No films are stored for this order; press “Draw”.";
    const from = live ? `Seed ${shown.seed}${shown === drawn ? ", drawn by the kernel" : ", stored"}. ` : "";
    return [from + summaryOf(data, lines, shown.text), shown.note, doubtOf(data, shown)].filter((each) => each.trim()).join(" ");
  };
  const change = (part) => { // what a kernel drew or refused belongs to one order
    Object.assign(state, part);
    [drawn, trouble, waiting] = [null, "", false];
    asked += 1;
    refresh();
    draw();
  };

  // ---- controls; without a kernel those that lead to no stored films are off
  const allowed = (text, mask) => live || placeOf(data, text, mask) >= 0;
  const well = check("healthy (“Normal”)", false, (on) => change({ text: on ? data.normal : data.nothing }));
  const picks = data.findings.map((name) => {
    const box = check(name, false, (on) => change({ text: picked(data, state.text, name, on ? "" : null) }));
    const sides = data.sided[name] ?? [];
    const side = choice("", [["", "any side"], ...sides.map((each) => [each, each])], "", (each) => change({ text: picked(data, state.text, name, each) }));
    side.select.setAttribute("aria-label", `side of ${name}`);
    return { name, box, side, input: box.element.querySelector("input"), element: make("div", { class: "pick" }, box.element, ...(sides.length ? [side.select] : [])) };
  });
  const masks = toggle("Mask", data.masks.map((name, k) => [k, name]), state.mask, (mask) => change({ mask }));
  const order = live ? make("input", { type: "text", "aria-label": "Prompt", spellcheck: "false", change: () => change({ text: order.value.trim() }) }) : make("b");
  const meant = make("span", { class: "note" });
  const refresh = () => {
    meant.textContent = state.text === data.nothing ? " (no text at all, as the paper writes it)" : "";
    const now = picksOf(data, state.text);
    const off = (input, is) => { input.disabled = is; };
    well.value = state.text === data.normal;
    off(well.element.querySelector("input"), !allowed(well.value ? data.nothing : data.normal, state.mask));
    for (const { name, box, side, input } of picks) {
      box.value = Boolean(now && name in now);
      off(input, !allowed(picked(data, state.text, name, box.value ? null : ""), state.mask));
      side.value = now?.[name] ?? "";
      side.select.hidden = !box.value;
      for (const each of side.select.options) each.disabled = !allowed(picked(data, state.text, name, each.value), state.mask);
    }
    masks.element.querySelectorAll("input").forEach((input, k) => off(input, !allowed(state.text, k)));
    if (live) order.value = state.text;
    else order.textContent = state.text;
  };

  const outlines = check("Outlines", true, (outlined) => { state.outlined = outlined; draw(); });
  const more = live ? kernelControls(change) : null;
  const ask = (seed) => {
    more.seed.value = seed;
    change({ seed });
    const { text, mask, mirrored, rows, columns } = state;
    waiting = true;
    tell({ ask: asked, text, mask, mirrored, rows, columns, seed });
  };
  const draws = live ? [button("Draw", () => ask(state.seed)), button("Four new samples", () => ask((state.seed % SEEDS) + 1))] : [];
  if (live) {
    tell.listen((answer) => {
      if (answer.ask !== asked) return; // of an earlier order
      [waiting, trouble, drawn] = [false, answer.error ? `This cannot be drawn: ${answer.error}` : "", answer.error ? null : answer];
      draw();
    });
  }

  const note = live ? "Pick findings and a mask, or write the prompt; what is not stored the kernel draws."
    : "Choices that are struck out have no stored films with the rest; in JupyterLab a live kernel draws any order.";
  root.append(
    make("p", { text: "Ask for findings, for a pneumothorax in a mask, or for both; every order has four samples, which start from the same noise as those of all other orders. An independent reader says what it sees in them." }),
    section("Order", note, make("div", { class: "asked" },
      column(make("p", { class: "order" }, "Prompt: ", order, meant),
        make("fieldset", { class: "picks" }, make("legend", { text: "Findings" }), make("div", { class: "pick" }, well.element), ...picks.map((each) => each.element)),
        masks.element, ...(live ? [...Object.values(more).map((each) => each.element), row(...draws)] : [])),
      preview.element)),
    section("Four samples", "", make("div", { class: "films" }, ...pictures.map((each) => each.element)),
      row(outlines.element, key()), words.element),
    section("What the reader sees", "Probability of each finding. The tick is where the reader sees a finding that was asked for; for others, where it is sure of it. ✓ is honoured, ✗ dropped, + added. The AUC is the reader's own, on films that it has not learned from: it errs, too.",
      wide("What the reader sees", table)),
    ...(live ? [make("details", {}, make("summary", { text: "Words that a prompt may have" }), make("p", { class: "note", text: data.words.join(", ") }))] : []),
  );
  onTheme(root, draw);
  change({});
}

// The two outlines, as lines and in words.
function key() {
  const line = (text, colour, dots) => {
    const item = make("li");
    item.innerHTML = `<svg width="26" height="10" aria-hidden="true"><line x1="0" y1="5" x2="26" y2="5" stroke="${colour}" stroke-width="3"${dots ? ' stroke-dasharray="3 3"' : ""}/></svg> `;
    item.append(text);
    return item;
  };
  return make("ul", { class: "key" }, line("mask that was asked for", MASK_COLOUR, false), line("pneumothorax that the reader outlines", READ_COLOUR, true));
}

// Place of the mask and seed, where a kernel can draw them.
function kernelControls(change) {
  const move = (label, name) => slider(label, { min: -REACH, max: REACH, step: 1, value: 0, format: (x) => `${x} px` }, (by) => change({ [name]: by }));
  return {
    mirrored: check("Mask mirrored", false, (mirrored) => change({ mirrored })),
    rows: move("Mask down", "rows"),
    columns: move("Mask right", "columns"),
    seed: slider("Seed", { min: 0, max: SEEDS, step: 1, value: 0, format: (x) => `${x}` }, (seed) => change({ seed })),
  };
}
