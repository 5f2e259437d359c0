// The latent space of an auto-encoder: a map of codes, a point to drag, and what is decoded there.

const SIDE = 64;
const SHARE = 0.25; // of the images that the prior promises: fewer than these make a hole
const CELLS = 40; // along each side of the map, in the search for holes
const DECODED = 7; // pictures along each side of the map
const READ = 100; // ms between two readouts while the point moves

function explore(root, data, tell) {
  const place = make("div");
  const titles = data.spaces.map(({ key, title }) => [key, title]);
  let state = null;
  const show = (key) => {
    state?.stop();
    const space = readSpace(data, data.spaces.find((each) => each.key === key));
    state = startState(space);
    place.replaceChildren(...view(root, space, state, readReader(data, space), tell));
  };
  const model = choice("Model", titles, titles[0][0], show);
  const notes = data.notes.map((text) => make("p", { class: "note", text }));
  root.append(make("h2", { text: "Latent space" }), row(model.element), ...notes, place);
  show(titles[0][0]);
}

// ---- what the page carries, ready for use ----

function readSpace(data, about) {
  const { key, scenes } = about;
  const part = (name) => data[`${key}/${name}`];
  const rows = ({ values, shape }) => {
    const size = shape.slice(1).reduce((a, b) => a * b, 1);
    return Array.from({ length: shape[0] }, (_, i) => values.subarray(i * size, (i + 1) * size));
  };
  const pictures = (name) => rows(data[`${scenes}/${name}`]); // 0 to 255
  const codes = rows(part("codes"));
  const space = {
    ...about,
    far: data.far,
    codes,
    draws: rows(part("draws")), // of the posteriors, image by image, then again
    d: codes[0].length,
    kl: part("kl").values,
    principal: rows(part("principal")),
    prior: rows(part("prior")).map((both) => ({ mean: both.subarray(0, both.length / 2), sd: both.subarray(both.length / 2) })),
    label: data[`${scenes}/label`].values,
    image: pictures("image"),
    healthy: pictures("healthy"),
    mask: data[`${scenes}/mask`] && rows(data[`${scenes}/mask`]),
    run: network(about.layers, part("weights").values),
  };
  if (part("trajectory")) {
    const steps = part("trajectory").shape[1];
    space.moves = rows(part("trajectory")).map((all, i) => ({
      start: part("start").values[i],
      z: Array.from({ length: steps }, (_, k) => all.subarray(k * space.d, (k + 1) * space.d)),
      potential: part("potential").values.subarray(i * steps, (i + 1) * steps),
      hamiltonian: part("hamiltonian").values.subarray(i * steps, (i + 1) * steps),
    }));
  }
  return space;
}

// What the reader says of an image, for the space of chests alone: {accuracy, see(image)} or null.
function readReader(data, space) {
  if (!data.reader || space.scenes !== "chest") return null;
  const run = network(data.reader.layers, data["reader/weights"].values);
  const see = (image) => {
    const logits = Array.from(run(image)), most = Math.max(...logits);
    const odds = logits.map((each) => Math.exp(each - most)), sum = odds.reduce((a, b) => a + b);
    return odds.map((each) => each / sum);
  };
  return { accuracy: data.reader.accuracy, see };
}

// The image and the mask at a point, both in [0, 1].
function decode(space, z, label) {
  const given = space.labelled ? [...z, ...space.classes.map((_, i) => (i === label ? 1 : 0))] : z;
  const planes = space.run(given), area = SIDE * SIDE;
  for (let i = 0; i < planes.length; i++) planes[i] = sigmoid(planes[i]);
  return { image: planes.subarray(0, area), mask: planes.subarray(area, 2 * area) };
}

// ---- vectors ----

const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const minus = (a, b) => a.map((x, i) => x - b[i]);
const plus = (a, b, t = 1) => a.map((x, i) => x + t * b[i]);
const unit = (a) => { const size = Math.sqrt(dot(a, a)); return a.map((x) => x / size); };
const mean = (all) => all.reduce((sum, a) => plus(sum, a), new Float32Array(all[0].length)).map((x) => x / all.length);
const blend = (a, b, t) => a.map((x, i) => (1 - t) * x + t * b[i]);

// Standard normal numbers, the same on every visit.
function normal(seed = 1) {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

// Directions to look along: [name, text, vector of length one].
function directions(space) {
  const along = space.principal.map((v, i) => [`p${i}`, `principal ${i + 1}`, v]);
  const of = (label) => mean(space.codes.filter((_, i) => space.label[i] === label));
  const first = of(0);
  const classes = space.classes.slice(1).map((name, i) =>
    [`c${i + 1}`, `${name} less ${space.classes[0]}`, unit(minus(of(i + 1), first))]);
  const order = [...space.kl.keys()].sort((i, j) => space.kl[j] - space.kl[i]);
  const axes = order.map((i) => {
    const v = new Float32Array(space.d);
    v[i] = 1;
    return [`d${i}`, `dimension ${i} (${space.kl[i].toFixed(2)} nats)`, v];
  });
  return [...along, ...classes, ...axes];
}

// ---- one space ----

function view(root, space, state, reader, tell) {
  const map = mapPart(root, space, state), dimensions = dimensionsPart(space, state);
  const beside = [picturesPart(space, state, reader)];
  if (space.labelled) beside.push(labelsPart(space, state));
  if (space.moves) beside.push(dynamicsPart(space, state));
  const path = pathPart(space, state), parts = [map, ...beside, path, dimensions];
  const told = soon(200, () => tell({ model: space.key, label: state.label, z: [...state.z] }));
  state.refresh = later(() => { parts.forEach((part) => part.draw()); settled(); told(); });
  const settled = soon(120, () => parts.forEach((part) => part.settle?.()));
  onTheme(root, () => state.refresh());
  state.refresh();
  const left = make("div", {}, map.element, path.element), right = make("div", {}, ...beside.map((part) => part.element));
  return [make("div", { class: "split" }, left, right), dimensions.element];
}

// Where the reader of this page is: a point, its label, the image it began from (null where it began from
// none), two ends of a path. goTo(...) is a move of the reader's own and stops one that plays.
function startState(space) {
  const sick = space.label.findIndex((label) => label > 0);
  const other = space.label.findIndex((label) => label !== space.label[sick]);
  const state = {
    space,
    z: Float32Array.from(space.codes[sick]),
    label: space.label[sick],
    picked: sick,
    hovered: null,
    ends: [sick, other].map((i) => ({ z: space.codes[i], label: space.label[i], name: `image ${i}`, picked: i })),
    move: null,
    refresh: () => {},
    stop: () => {}, // what plays
    goTo(z, label = state.label, picked = state.picked) {
      state.stop();
      state.show(z, label, picked);
    },
    show(z, label, picked) {
      Object.assign(state, { z: Float32Array.from(z), label, picked });
      state.refresh();
    },
    pick: (i) => state.goTo(space.codes[i], space.label[i], i),
    get prior() { return space.prior[space.labelled && space.prior.length > 1 ? state.label : 0]; },
  };
  return state;
}

// `call` once nothing has asked for it for some ms.
function soon(ms, call) {
  let timer = 0;
  return () => { clearTimeout(timer); timer = setTimeout(call, ms); };
}

// ---- the map ----

function mapPart(root, space, state) {
  const all = directions(space), named = Object.fromEntries(all.map(([name, , v]) => [name, v]));
  const centre = mean(space.codes), text = status();
  const plane = { a: null, b: null, places: [], drawn: [], reach: 1 };
  const across = (z) => { const from = minus(z, centre); return [dot(from, plane.a), dot(from, plane.b)]; };
  const grid = decodedGrid(space, state), ground = layer();
  const lay = (first, second) => {
    const a = named[first], rest = plus(named[second], a, -dot(named[second], a));
    if (dot(rest, rest) < 1e-6) { text.text = "Both directions are the same: choose another one."; return; }
    Object.assign(plane, { a, b: unit(rest) });
    plane.places = space.codes.map(across);
    plane.drawn = space.draws.map(across);
    plane.reach = 1.08 * Math.max(3, ...plane.places.flat().map(Math.abs));
    text.text = "";
    grid.clear();
    state.refresh();
  };
  const pairs = all.map(([name, text]) => [name, text]);
  const right = choice("To the right", pairs, "p0", () => lay(right.value, up.value));
  const up = choice("Up", pairs, "p1", () => lay(right.value, up.value));
  const pictured = check("Decoded pictures behind", true, () => state.refresh());
  const help = "Map of codes. Drag the ring, or use the arrow keys (with Shift in larger steps); a click on a mark goes to that image.";
  const board = drawing(help, 1, (context, width) => drawMap(context, width, root, { space, state, plane, across, grid, ground, shown: pictured.value }));
  const scale = () => board.size.width / (2 * plane.reach);
  const nearest = (x, y) => {
    const apart = plane.places.map(([u, v]) => Math.hypot((u + plane.reach) * scale() - x, (plane.reach - v) * scale() - y));
    const i = apart.indexOf(Math.min(...apart));
    return apart[i] < 9 ? i : null;
  };
  const shift = (du, dv) => state.goTo(plus(plus(state.z, plane.a, du), plane.b, dv));
  const dragTo = (x, y) => {
    const [u, v] = across(state.z);
    shift(x / scale() - plane.reach - u, plane.reach - y / scale() - v);
  };
  pointer(board.canvas, {
    press(x, y) { const i = nearest(x, y); return i === null ? dragTo(x, y) : state.pick(i); },
    drag: dragTo,
    hover(x, y) { const i = nearest(x, y); if (i !== state.hovered) { state.hovered = i; state.refresh(); } },
    leave() { state.hovered = null; state.refresh(); },
    key: (dx, dy, large) => shift(dx * (large ? 0.5 : 0.1), dy * (large ? 0.5 : 0.1)),
  });
  board.canvas.setAttribute("role", "application");
  lay("p0", "p1");
  const place = status();
  let read = 0;
  const readOut = () => { place.text = whereabouts(space, state); read = performance.now(); };
  return {
    element: section("Map", "Each mark is the code of an image that no training has seen.",
      row(right.element, up.element, pictured.element), board.element, text.element, key(space), place.element),
    draw() {
      board.redraw();
      if (performance.now() - read < READ) return;
      place.element.setAttribute("aria-busy", "true"); // spoken once the point rests
      readOut();
    },
    settle() { place.element.removeAttribute("aria-busy"); readOut(); grid.restart(plane, across(state.z), pictured.value, () => board.redraw()); },
  };
}

// What the marks of the map mean.
function key(space) {
  const shapes = ["●", "▲", "■", "◆"];
  const classes = space.classes.map((name, i) =>
    make("li", {}, make("span", { class: `mark-${i}`, "aria-hidden": "true", text: `${shapes[i]} ` }), name));
  const lines = ["○ the point", "- - prior, at 1 and 2 standard deviations",
    "//// a hole: fewer than a quarter of the images that the prior promises here"];
  return make("ul", { class: "key" }, ...classes, ...lines.map((text) => make("li", { text })));
}

// How far the point is from the codes and from the prior, in words.
function whereabouts(space, state) {
  const { mean: centre, sd } = state.prior;
  const gap = (a, b) => {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += ((a[i] - b[i]) / sd[i]) ** 2;
    return Math.sqrt(sum);
  };
  const gaps = space.codes.map((_, i) => gap(state.z, space.draws[i]));
  const least = gaps.indexOf(Math.min(...gaps)), usual = usualGap(space, state, gap);
  const far = gaps[least] > space.far * usual ? "farther than usual: here samples may break" : "within the usual";
  return `Nearest draw of a posterior: image ${least}, ${gaps[least].toFixed(1)} away (neighbours are ${usual.toFixed(1)} apart: ${far}). ` +
    `From the prior's mean: ${gap(state.z, centre).toFixed(1)}; draws lie about ${Math.sqrt(space.d).toFixed(1)} from it.`;
}

// The median distance of an image's draw to its nearest neighbour, in the prior's deviations.
function usualGap(space, state, gap) {
  space.usual ??= new Map();
  const { prior } = state;
  if (!space.usual.has(prior)) {
    const ours = space.draws.slice(0, space.codes.length);
    const least = ours.map((a) => Math.min(...ours.filter((b) => b !== a).map((b) => gap(a, b))));
    space.usual.set(prior, least.sort((a, b) => a - b)[least.length >> 1]);
  }
  return space.usual.get(prior);
}

// Pictures decoded over the plane, a few at a time; they follow whatever else of z has changed.
function decodedGrid(space, state) {
  let pictures = [], timer = 0, made = "", drawn = 0;
  return {
    get pictures() { return pictures; },
    get drawn() { return drawn; }, // grows with every change of them
    clear() { made = ""; pictures = []; drawn++; },
    restart(plane, [u, v], wanted, redraw) {
      const base = plus(plus(state.z, plane.a, -u), plane.b, -v);
      const asked = `${state.label} ${Array.from(base, (x) => Math.round(20 * x))} ${plane.reach}`;
      if (!wanted || asked === made) return;
      made = asked;
      clearTimeout(timer);
      const left = [];
      for (let i = 0; i < DECODED * DECODED; i++) left.push(i);
      const step = () => {
        const end = performance.now() + 8; // what is dragged meanwhile goes on
        while (left.length && performance.now() < end) {
          const i = left.shift(), x = i % DECODED, y = (i / DECODED) | 0;
          const at = (k) => plane.reach * ((2 * k + 1) / DECODED - 1);
          const z = plus(plus(base, plane.a, at(x)), plane.b, -at(y));
          const tile = pictures[i] ?? make("canvas", { width: SIDE, height: SIDE });
          paintGrey(tile, decode(space, z, state.label).image);
          pictures[i] = tile;
          drawn++;
        }
        redraw();
        if (left.length && asked === made) timer = setTimeout(step, 10);
      };
      step();
    },
  };
}

function paintGrey(canvas, values) {
  const context = canvas.getContext("2d"), pixels = context.createImageData(SIDE, SIDE);
  const to = pixels.data.fill(255);
  for (let i = 0; i < values.length; i++) to[4 * i] = to[4 * i + 1] = to[4 * i + 2] = byte(values[i]);
  context.putImageData(pixels, 0, 0);
}

function drawMap(context, width, root, { space, state, plane, across, grid, shown, ground }) {
  const scale = width / (2 * plane.reach);
  const to = ([u, v]) => [(u + plane.reach) * scale, (plane.reach - v) * scale];
  const inks = {}, ink = (name) => (inks[name] ??= colour(root, name));
  const under = [shown && grid.drawn, state.prior, plane.places, state.hovered, root.dataset.theme];
  ground(context, width, under, (onto) => {
    onto.fillStyle = ink("wash");
    onto.fillRect(0, 0, width, width);
    if (shown) drawTiles(onto, width, grid.pictures);
    drawHoles(onto, width, plane, space, state, across, shown ? "#ff9d73" : ink("mark"));
    drawPrior(onto, plane, state, across, to, scale, shown ? "#ffffff" : ink("soft"));
    plane.places.forEach((place, i) => mark(onto, to(place), space.label[i], ink(`class-${space.label[i]}`), i === state.hovered ? 7 : 4));
  });
  drawLine(context, state.ends.map((end) => to(across(end.z))), shown ? "#ffffff" : ink("ink"), ["A", "B"]);
  if (state.move !== null) drawLine(context, space.moves[state.move].z.map((z) => to(across(z))), ink("mark"), []);
  const [x, y] = to(across(state.z));
  for (const [radius, style, line] of [[9, "#000", 4], [9, "#fff", 2]]) {
    Object.assign(context, { strokeStyle: style, lineWidth: line });
    context.beginPath();
    context.arc(Math.min(width - 6, Math.max(6, x)), Math.min(width - 6, Math.max(6, y)), radius, 0, 7);
    context.stroke();
  }
}

function drawTiles(context, width, pictures) {
  const side = width / DECODED;
  context.fillStyle = "rgb(0 0 0 / 30%)"; // so that marks stand out
  pictures.forEach((tile, i) => {
    const at = [(i % DECODED) * side, ((i / DECODED) | 0) * side, side, side];
    context.drawImage(tile, ...at);
    context.fillRect(...at);
  });
}

// A mark of a class: circle, triangle, square.
function mark(context, [x, y], label, fill, r) {
  context.beginPath();
  if (label === 0) context.arc(x, y, r, 0, 7);
  else if (label === 1) { context.moveTo(x, y - r * 1.2); context.lineTo(x + r * 1.1, y + r); context.lineTo(x - r * 1.1, y + r); context.closePath(); }
  else context.rect(x - r, y - r, 2 * r, 2 * r);
  Object.assign(context, { fillStyle: fill, strokeStyle: "#fff", lineWidth: 1 });
  context.fill();
  context.stroke();
}

function drawLine(context, points, style, names) {
  for (const [stroke, width] of [["#000", 4], [style, 2]]) {
    Object.assign(context, { strokeStyle: stroke, lineWidth: width });
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  }
  context.font = "bold 14px system-ui, sans-serif";
  names.forEach((name, i) => {
    const [x, y] = points[i];
    Object.assign(context, { strokeStyle: "#000", lineWidth: 3, fillStyle: "#fff" });
    context.strokeText(name, x + 8, y - 8);
    context.fillText(name, x + 8, y - 8);
  });
}

// The prior in the plane: a normal law with this mean and covariance.
function priorInPlane(plane, state, across) {
  const { mean: centre, sd } = state.prior, { a, b } = plane;
  const sum = (x, y) => x.reduce((all, v, i) => all + v * y[i] * sd[i] ** 2, 0);
  return { at: across(centre), saa: sum(a, a), sab: sum(a, b), sbb: sum(b, b) };
}

function drawPrior(context, plane, state, across, to, scale, style) {
  const { at, saa, sab, sbb } = priorInPlane(plane, state, across);
  const l11 = Math.sqrt(saa), l21 = sab / l11, l22 = Math.sqrt(sbb - l21 ** 2);
  Object.assign(context, { strokeStyle: style, lineWidth: 1.5 });
  context.setLineDash([5, 4]);
  for (const radius of [1, 2]) {
    context.beginPath();
    for (let k = 0; k <= 60; k++) {
      const c = radius * Math.cos((k * Math.PI) / 30), s = radius * Math.sin((k * Math.PI) / 30);
      context.lineTo(...to([at[0] + l11 * c, at[1] + l21 * c + l22 * s]));
    }
    context.stroke();
  }
  context.setLineDash([]);
}

// Hatched cells, as `holesOf` finds them.
function drawHoles(context, width, plane, space, state, across, style) {
  const size = width / CELLS;
  Object.assign(context, { strokeStyle: style, lineWidth: 1 });
  context.beginPath();
  for (const i of holesOf(plane, space, state, across)) {
    const x = (i % CELLS) * size, y = ((i / CELLS) | 0) * size;
    context.moveTo(x, y + size);
    context.lineTo(x + size, y);
  }
  context.stroke();
}

// The cells within two standard deviations of the prior where enough images are promised and few are.
// They follow the plane and the prior alone, so they are looked for when one of these has changed.
function holesOf(plane, space, state, across) {
  const { prior } = state;
  if (plane.holes?.prior === prior && plane.holes.drawn === plane.drawn) return plane.holes.cells;
  const { at, saa, sab, sbb } = priorInPlane(plane, state, across), det = saa * sbb - sab ** 2;
  const n = space.codes.length, mine = (i) => space.prior.length === 1 || space.label[i % n] === state.label;
  const own = plane.drawn.filter((_, i) => mine(i)), repeats = plane.drawn.length / n;
  const step = (2 * plane.reach) / CELLS, h = 0.3 * Math.sqrt(Math.sqrt(det)), cells = [];
  for (let i = 0; i < CELLS * CELLS; i++) {
    const u = ((i % CELLS) + 0.5) * step - plane.reach, v = plane.reach - (((i / CELLS) | 0) + 0.5) * step;
    const du = u - at[0], dv = v - at[1];
    const squared = (sbb * du * du - 2 * sab * du * dv + saa * dv * dv) / det;
    const promised = (own.length * h * h * Math.exp(-squared / 2)) / Math.sqrt(det);
    if (squared > 4 || promised < repeats) continue;
    const there = own.reduce((sum, [x, y]) => sum + Math.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * h * h)), 0);
    if (there <= SHARE * promised) cells.push(i);
  }
  plane.holes = { prior, drawn: plane.drawn, cells };
  return cells;
}

// ---- pictures at the point ----

function picturesPart(space, state, reader) {
  const decoded = picture("decoded at the point", SIDE), image = picture("image", SIDE);
  const twin = picture("its healthy twin", SIDE), changed = picture("image less twin", SIDE);
  const outlined = check(space.labelled ? "Outline the decoded lesion mask" : "Outline the masks", !space.labelled, () => state.refresh());
  const index = slider("Held-out image", { min: 0, max: space.codes.length - 1, step: 1, value: state.picked, format: (i) => `${i}` }, state.pick);
  const seen = reader && bars("What the reader sees in the decoded picture", space.classes);
  const label = space.labelled && toggle("Label", space.classes.map((name, i) => [i, name]), state.label, (value) => state.goTo(state.z, value));
  const random = normal();
  const draw = () => { const { mean: centre, sd } = state.prior; return centre.map((m, i) => m + sd[i] * random()); };
  let shown = "", read = 0, latest = null; // what was drawn last
  const readOut = () => { seen?.set(reader.see(latest)); read = performance.now(); };
  const scale = legend("grey units", 0.5), given = [image.element, twin.element, changed.element, scale];
  const told = make("p", { class: "note" });
  const beside = (i) => {
    const how = standing(space, state, i), now = `${i} ${outlined.value} ${how}`;
    if (shown === now) return; // a drag changes the decoded picture alone
    shown = now;
    given.forEach((each) => { each.style.visibility = i === null ? "hidden" : ""; });
    told.textContent = how;
    if (i === null) return;
    image.grey(space.image[i], 0, 255);
    if (space.mask && outlined.value) image.outline(space.mask[i]);
    image.caption = `image ${i}: ${space.classes[space.label[i]]}`;
    twin.grey(space.healthy[i], 0, 255);
    changed.signed(minus(Float32Array.from(space.image[i]), space.healthy[i]), 0.5 * 255);
  };
  return {
    element: section("At the point", "", label ? label.element : "",
      make("div", { class: "stage" }, decoded.element, image.element, twin.element, changed.element, scale),
      told, row(outlined.element, button("Draw from the prior", () => state.goTo(draw(), state.label, null)), button("The prior's mean", () => state.goTo(state.prior.mean, state.label, null)),
        button("Back to the image", () => state.pick(index.value))),
      index.element, ...readerWords(space, reader, seen)),
    draw() {
      const now = decode(space, state.z, state.label), i = state.hovered ?? state.picked;
      decoded.grey(now.image);
      if (outlined.value) decoded.outline(now.mask);
      if (label) label.value = state.label;
      index.value = state.picked ?? index.value;
      beside(i);
      latest = now.image;
      if (performance.now() - read > READ) readOut();
    },
    settle: readOut,
  };
}

// How the image that is shown stands to the decoded picture.
function standing(space, state, i) {
  if (i === null) return "This point belongs to no image: hover over a mark to see one, or go back to the image.";
  if (i !== state.picked) return `Image ${i} is the one under the pointer, not the point's.`;
  if (space.codes[i].some((x, k) => x !== state.z[k])) return `The point has left the code of image ${i}.`;
  if (space.labelled && space.label[i] !== state.label) return `The code of image ${i}, decoded under another label.`;
  return `The point is the code of image ${i}: the decoded picture is its reconstruction.`;
}

function readerWords(space, reader, seen) {
  if (seen) {
    const right = `${(100 * reader.accuracy).toFixed(0)} %`;
    const text = `What an independent reader sees in the decoded picture (of the held-out images shown here it names ${right} rightly):`;
    return [make("p", { class: "note", text }), seen.element];
  }
  if (!space.labelled) return [];
  return [make("p", { class: "note", text: "The independent reader is not in the record, so what it sees is not shown." })];
}

// ---- only the label changes ----

function labelsPart(space, state) {
  const views = space.classes.map((name) => picture(name, SIDE));
  const changes = space.classes.slice(1).map((name) => picture(`${name} less ${space.classes[0]}`, SIDE));
  const pictures = make("div", { class: "thirds" }, ...[...views, ...changes].map((each) => each.element), legend("grey units", 0.5));
  let shown = "";
  return {
    element: section("Only the label changes", "The same point under every label, and what the label adds to a healthy chest.", pictures),
    draw() { pictures.classList.toggle("past", Boolean(shown) && String(state.z) !== shown); }, // until the point rests
    settle() {
      const all = space.classes.map((_, label) => decode(space, state.z, label).image);
      all.forEach((image, i) => views[i].grey(image));
      changes.forEach((each, i) => each.signed(minus(all[i + 1], all[0]), 0.5));
      shown = String(state.z);
      pictures.classList.remove("past");
    },
  };
}

// ---- a path ----

function pathPart(space, state) {
  const tiles = Array.from({ length: DECODED }, (_, i) => picture(i === 0 ? "A" : i === DECODED - 1 ? "B" : "", SIDE));
  tiles.slice(1, -1).forEach((tile, i) => tile.canvas.setAttribute("aria-label", `${i + 1} of ${DECODED - 1} steps from A to B`));
  const text = status();
  let drawn = "";
  const go = (t) => {
    const [a, b] = state.ends, end = t === 0 ? a : t === 1 ? b : { picked: null };
    at.value = t;
    state.show(blend(a.z, b.z, t), t < 0.5 ? a.label : b.label, end.picked);
  };
  const at = slider("From A to B", { min: 0, max: 1, step: 0.01 }, (t) => { state.stop(); go(t); });
  const set = (which) => {
    state.stop();
    state.ends[which] = { z: Float32Array.from(state.z), label: state.label, name: "a point", picked: state.picked };
    state.refresh();
  };
  const rest = () => { state.stop = () => {}; playing.textContent = "Play"; };
  const playing = button("Play", () => {
    if (playing.textContent === "Stop") return state.stop();
    state.stop();
    playing.textContent = "Stop";
    const halt = animate(3, go, rest);
    if (playing.textContent === "Stop") state.stop = () => { halt(); rest(); }; // not over at once
  });
  return {
    element: section("From A to B", `A straight line between two codes${space.labelled ? "; halfway the label of B takes over" : ""}.`,
      row(button("A is the point", () => set(0)), button("B is the point", () => set(1)), playing),
      at.element, make("div", { class: "strip" }, ...tiles.map((tile) => tile.element)), text.element),
    draw() {},
    settle() {
      const [a, b] = state.ends, now = `${a.label}${b.label}${a.z}${b.z}`;
      if (now === drawn) return;
      drawn = now;
      tiles.forEach((tile, i) => {
        const t = i / (DECODED - 1);
        tile.grey(decode(space, blend(a.z, b.z, t), t < 0.5 ? a.label : b.label).image);
      });
      text.text = `A: ${a.name}; B: ${b.name}.`;
    },
  };
}

// ---- Hamiltonian dynamics ----

function dynamicsPart(space, state) {
  const last = space.moves[0].z.length - 1, table = make("table");
  const move = () => space.moves[start.value];
  const go = () => { state.move = start.value; state.goTo(move().z[step.value], state.label, move().start); };
  const start = slider("Start", { min: 0, max: space.moves.length - 1, step: 1, format: (i) => `${i + 1}` }, go);
  const step = slider("Leapfrog step", { min: 0, max: last, step: 1, format: (k) => `${k} of ${last}` }, go);
  let filled = null;
  const fill = () => {
    if (filled === move()) return;
    filled = move();
    const line = (name, values) => make("tr", {}, make("th", { scope: "row", text: name }),
      ...Array.from(values, (v) => make("td", { text: v.toFixed(1) })));
    const { potential, hamiltonian } = move();
    const head = make("tr", {}, make("th", { text: "nats" }), ...move().z.map((_, k) => make("th", { scope: "col", text: `z${k}` })));
    table.replaceChildren(head, line("potential U", potential), line("kinetic", hamiltonian.map((h, k) => h - potential[k])), line("sum H", hamiltonian));
  };
  return {
    element: section("Hamiltonian dynamics",
      "From a draw of the posterior z0, each leapfrog step follows the energy of image and mask; tempering takes kinetic energy away. Stored for these starts.",
      start.element, step.element, wide("Energy by leapfrog step", table)),
    draw: fill,
  };
}

// ---- every dimension ----

function dimensionsPart(space, state) {
  const order = [...space.kl.keys()].sort((i, j) => space.kl[j] - space.kl[i]);
  const sliders = order.map((i) =>
    slider(`z ${i} · ${space.kl[i].toFixed(2)}`, { min: -5, max: 5, step: 0.05, value: state.z[i] }, (value) => {
      const z = Float32Array.from(state.z);
      z[i] = value;
      state.goTo(z);
    }));
  return {
    element: section("Every latent dimension", "With the nats that each carries, largest first; those of almost none should change nothing.",
      make("div", { class: "sliders" }, ...sliders.map((each) => each.element))),
    draw() { sliders.forEach((each, k) => { each.value = state.z[order[k]]; }); },
  };
}
