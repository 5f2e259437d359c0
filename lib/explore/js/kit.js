// What every explorer is built from. A host inlines this file, then the explorer's own script, which
// defines `explore(root, data, tell)`: `root` is the element to fill, `data` what the page carries
// (plain JSON, and arrays as {values, shape}), `tell(value)` hands plain JSON to a live kernel. Only
// where there is one, `tell.listen(hear)` calls hear(answer) with what the kernel says.

// ---- elements ----

// An element with attributes (functions are event listeners, `text` is its text) and children.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "text") element.textContent = value;
    else if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const row = (...children) => make("div", { class: "row" }, ...children);
const column = (...children) => make("div", { class: "column" }, ...children);

// A titled part of an explorer; `note` is a sentence below the title.
function section(title, note, ...children) {
  const words = note ? [make("p", { class: "note", text: note })] : [];
  return make("section", { "aria-label": title }, make("h3", { text: title }), ...words, ...children);
}

// A table that scrolls by itself where the page is too narrow, by keys too.
function wide(label, table) {
  return make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": label }, table);
}

function button(text, onClick) {
  return make("button", { type: "button", text, click: onClick });
}

// A range input: {element, value}; setting `value` moves it without calling `onInput(value)`.
function slider(label, { min, max, step = 0.01, value = 0, format = (x) => x.toFixed(2) }, onInput) {
  const input = make("input", { type: "range", min, max, step, "aria-label": label });
  const shown = make("output", { "aria-hidden": "true" });
  const element = make("label", { class: "slider" }, make("span", { text: label }), input, shown);
  const show = () => {
    const text = format(input.valueAsNumber);
    if (text === shown.textContent) return;
    shown.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  input.addEventListener("input", () => { show(); onInput(input.valueAsNumber); });
  const control = {
    element,
    input,
    get value() { return input.valueAsNumber; },
    set value(next) { input.value = next; show(); },
  };
  control.value = value;
  return control;
}

// A drop-down list of [value, text] pairs: {element, value, options(pairs)}.
function choice(label, pairs, value, onChange) {
  const select = make("select", { change: () => onChange(select.value) });
  const element = make("label", { class: "choice" }, make("span", { text: label }), select);
  const control = {
    element,
    select,
    get value() { return select.value; },
    set value(next) { select.value = next; },
    options(next) {
      select.replaceChildren(...next.map(([value, text]) => make("option", { value, text })));
    },
  };
  control.options(pairs);
  control.value = value;
  return control;
}

// A group of buttons of which one is pressed: {element, value}.
function toggle(label, pairs, value, onChange) {
  const name = `toggle-${Math.random().toString(36).slice(2)}`;
  const inputs = pairs.map(([value]) =>
    make("input", { type: "radio", name, value, change: () => onChange(value) }));
  const labels = pairs.map(([, text], i) =>
    make("label", {}, inputs[i], make("span", { text })));
  const control = {
    element: make("fieldset", { class: "toggle" }, make("legend", { text: label }), ...labels),
    get value() { return pairs[inputs.findIndex((input) => input.checked)][0]; },
    set value(next) { inputs.forEach((input, i) => { input.checked = pairs[i][0] === next; }); },
  };
  control.value = value;
  return control;
}

// A check box: {element, value}.
function check(label, value, onChange) {
  const input = make("input", { type: "checkbox", change: () => onChange(input.checked) });
  input.checked = value;
  return {
    element: make("label", { class: "check" }, input, make("span", { text: label })),
    get value() { return input.checked; },
    set value(next) { input.checked = next; },
  };
}

// A line that screen readers read out when it changes: {element, text}.
function status(text = "") {
  const element = make("p", { class: "status", role: "status", text });
  return { element, get text() { return element.textContent; }, set text(t) { element.textContent = t; } };
}

// Shares in [0, 1] as named bars: {element, set(values)}.
function bars(label, names) {
  const fills = names.map((_, i) => make("i", { class: `class-${i}` }));
  const numbers = names.map(() => make("output"));
  const lines = names.map((name, i) =>
    make("li", {}, make("span", { text: name }), make("b", { "aria-hidden": "true" }, fills[i]), numbers[i]));
  return {
    element: make("ul", { class: "bars", "aria-label": label }, ...lines),
    set(values) {
      fills.forEach((fill, i) => { fill.style.width = `${100 * values[i]}%`; });
      numbers.forEach((number, i) => { number.textContent = values[i].toFixed(2); });
    },
  };
}

// ---- pictures ----

const byte = (x) => (x < 0 ? 0 : x > 1 ? 255 : Math.round(255 * x));

// Colour [r, g, b] of x in [-1, 1]: blue below zero, white at zero, red above.
const SIGNED = [[33, 102, 172], [146, 197, 222], [247, 247, 247], [244, 165, 130], [178, 24, 43]];
function signedColour(x) {
  const at = 2 * (Math.max(-1, Math.min(1, x)) + 1);
  const low = Math.min(3, Math.floor(at));
  return SIGNED[low].map((from, c) => Math.round(from + (at - low) * (SIGNED[low + 1][c] - from)));
}

// A square picture with a caption: {element, canvas, grey, signed, outline, caption}.
//   grey(values, low, high)  grey values, low black and high white
//   signed(values, reach)    a map centred at zero
//   outline(values, colour)  the border of where values > 0.5, over what is drawn
function picture(caption, side = 64) {
  const canvas = make("canvas", { width: side, height: side, role: "img", "aria-label": caption });
  const words = make("figcaption", { text: caption });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(side, side);
  pixels.data.fill(255);
  return {
    element: make("figure", {}, canvas, words),
    canvas,
    set caption(text) { words.textContent = text; canvas.setAttribute("aria-label", text); },
    grey(values, low = 0, high = 1) {
      const to = pixels.data;
      for (let i = 0; i < side * side; i++) {
        to[4 * i] = to[4 * i + 1] = to[4 * i + 2] = byte((values[i] - low) / (high - low));
      }
      context.putImageData(pixels, 0, 0);
    },
    signed(values, reach) {
      for (let i = 0; i < side * side; i++) pixels.data.set(signedColour(values[i] / reach), 4 * i);
      context.putImageData(pixels, 0, 0);
    },
    outline(values, colour = "#e69f00") {
      context.fillStyle = colour;
      const inside = (x, y) => x >= 0 && y >= 0 && x < side && y < side && values[y * side + x] > 0.5;
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const whole = inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1);
          if (inside(x, y) && !whole) context.fillRect(x, y, 1, 1);
        }
      }
    },
  };
}

// The scale of a signed map from -reach to reach.
function legend(label, reach) {
  const canvas = make("canvas", { width: 101, height: 1, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  for (let x = 0; x <= 100; x++) {
    context.fillStyle = `rgb(${signedColour(x / 50 - 1)})`;
    context.fillRect(x, 0, 1, 1);
  }
  const ends = [-reach, 0, reach].map((end) => make("span", { text: end > 0 ? `+${end}` : `${end}` }));
  return make("div", { class: "legend" }, make("span", { text: label }), canvas,
    make("div", { class: "ends" }, ...ends));
}

// A canvas that fills its width, sharp on every screen: {element, canvas, redraw, size}.
// `draw(context, width, height)` is called in CSS pixels, at most once a frame; `ratio` is height
// over width.
function drawing(label, ratio, draw) {
  const canvas = make("canvas", { role: "img", "aria-label": label });
  const size = { width: 0, height: 0 };
  const redraw = later(() => {
    const scale = window.devicePixelRatio || 1;
    size.width = canvas.clientWidth;
    size.height = Math.round(size.width * ratio);
    if (!size.width) return;
    const [width, height] = [size.width, size.height].map((each) => Math.round(each * scale));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.style.height = `${size.height}px`;
      Object.assign(canvas, { width, height });
    }
    const context = canvas.getContext("2d");
    context.reset();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    draw(context, size.width, size.height);
  });
  new ResizeObserver(() => { if (canvas.clientWidth !== size.width) redraw(); }).observe(canvas);
  return { element: make("div", { class: "drawing" }, canvas), canvas, redraw, size };
}

// What most frames share of a square drawing. `paint(context)` is called when the width or one of `of`
// is another than at the last call; in between the picture that it made is laid down as it is.
function layer() {
  const canvas = make("canvas");
  let made = [];
  return (context, width, of, paint) => {
    const scale = context.getTransform().a, now = [width, scale, ...of];
    if (now.some((each, i) => each !== made[i])) {
      made = now;
      canvas.width = canvas.height = Math.round(width * scale);
      const own = canvas.getContext("2d");
      own.setTransform(scale, 0, 0, scale, 0, 0);
      paint(own);
    }
    context.drawImage(canvas, 0, 0, width, width);
  };
}

// ---- pointer, keyboard, time ----

// Pointer and arrow keys on an element, in its CSS pixels.
//   drag(x, y)    dragged, and pressed where there is no press(x, y)
//   hover(x, y)   moved without a button; leave() after it
//   key(dx, dy, large)  arrow keys, dx and dy in {-1, 0, 1}, up is dy = 1; large with Shift
function pointer(element, { press, drag, hover, leave, key }) {
  element.tabIndex = 0;
  element.style.touchAction = "none";
  const at = (event) => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    (press ?? drag)?.(...at(event));
  });
  element.addEventListener("pointermove", (event) => {
    if (event.buttons) drag?.(...at(event));
    else hover?.(...at(event));
  });
  element.addEventListener("pointerleave", () => leave?.());
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  element.addEventListener("keydown", (event) => {
    if (!key || !arrows[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    key(...arrows[event.key], event.shiftKey);
  });
}

// `call`, made at most once a frame however often it is asked for.
function later(call) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; call(); });
  };
}

const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Calls step(t), t from 0 to 1 within `seconds`, then done(); at once step(1) where motion is to be
// reduced. Returns a function that stops it.
function animate(seconds, step, done = () => {}) {
  if (reducedMotion()) {
    step(1);
    done();
    return () => {};
  }
  let stopped = false;
  const begin = performance.now();
  const frame = (now) => {
    if (stopped) return;
    const t = Math.min(1, Math.max(0, (now - begin) / (1000 * seconds)));
    step(t);
    if (t < 1) requestAnimationFrame(frame);
    else done();
  };
  requestAnimationFrame(frame);
  return () => { stopped = true; };
}

// ---- colours ----

// A variable of kit.css as it is now: colour(root, "ink").
const colour = (root, name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();

// Calls draw() whenever light turns to dark or back.
function onTheme(root, draw) {
  root.addEventListener("theme", draw);
}

// Whether the ground behind an element of another document, or of this one, is dark.
function darkBehind(element) {
  for (let at = element; at; at = at.parentElement) {
    const view = at.ownerDocument.defaultView;
    const [r, g, b, alpha = 1] = view.getComputedStyle(at).backgroundColor.match(/[\d.]+/g).map(Number);
    if (alpha > 0.5) return 0.299 * r + 0.587 * g + 0.114 * b < 128;
  }
  return false;
}

// ---- what a page carries ----

const TYPES = { uint8: Uint8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };

// Float32Array of half floats, given as their 16 bits.
function fromHalf(bits) {
  halves ??= Float32Array.from({ length: 65536 }, (_, i) => ofHalf(i));
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = halves[bits[i]];
  return values;
}
let halves; // the number of every 16 bits

function ofHalf(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24
    : exponent === 31 ? (fraction ? NaN : Infinity)
    : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 32768 ? -size : size;
}

// The data of a page from its head (JSON, with {dtype, shape, at} in the place of arrays) and its
// compressed bytes.
async function unpack(head, compressed) {
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = await new Response(stream).arrayBuffer();
  const data = { ...head.json };
  for (const [name, { dtype, shape, at, length }] of Object.entries(head.arrays)) {
    const part = bytes.slice(at, at + length);
    const values = dtype === "float16" ? fromHalf(new Uint16Array(part)) : new TYPES[dtype](part);
    data[name] = { values, shape };
  }
  return data;
}

// ---- hosts ----

// Fill `place` with an explorer; `frame` is the element that stands in a page around it, if any.
async function start(place, head, compressed, tell, frame) {
  const shadow = place.attachShadow({ mode: "open" });
  const root = make("div", { class: "explorer", "data-lm-suppress-shortcuts": "true" });
  place.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab sees keys of this one
  shadow.append(make("style", { text: STYLE }), root);
  followTheme(root, frame);
  try {
    await explore(root, await unpack(head, compressed), tell);
  } catch (error) {
    root.replaceChildren(make("p", { class: "status", role: "alert", text: `This explorer stopped: ${error.message}` }));
    throw error;
  }
}

// Keep root's data-theme that of what is around it: of the embedding page, else of the screen.
function followTheme(root, frame) {
  const screen = matchMedia("screen and (prefers-color-scheme: dark)");
  const set = () => {
    const dark = frame ? darkBehind(frame.parentElement) : screen.matches;
    const theme = dark ? "dark" : "light";
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    if (!frame) document.body.style.background = colour(root, "ground");
    root.dispatchEvent(new Event("theme"));
  };
  screen.addEventListener("change", set);
  if (frame) {
    const watch = new MutationObserver(set);
    for (const each of [frame.ownerDocument.documentElement, frame.ownerDocument.body]) {
      watch.observe(each, { attributes: true });
    }
  }
  set();
}

// A page of its own, or the same page in the frame of another one, which grows with it. A page on a
// disk may not reach into another: that one is told the height (lib/report/template/notebook.js).
function startPage() {
  const text = (id) => document.getElementById(id).textContent;
  const coded = atob(text("bytes")), bytes = new Uint8Array(coded.length);
  for (let i = 0; i < coded.length; i++) bytes[i] = coded.charCodeAt(i);
  const place = document.getElementById("place");
  const frame = window.frameElement;
  if (window.parent !== window) {
    const say = () => {
      const height = Math.ceil(place.getBoundingClientRect().height);
      if (frame) frame.style.height = `${height}px`;
      window.parent.postMessage({ height }, "*");
    };
    new ResizeObserver(say).observe(place);
    window.addEventListener("message", say); // asked by a page that began to listen later
  }
  return start(place, JSON.parse(text("head")), bytes, () => {}, frame);
}

// An anywidget's `render`. JupyterLab puts its element into the page only after this has returned.
function startWidget({ model, el }) {
  const place = make("div"), packed = model.get("packed");
  const bytes = new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength);
  const tell = (value) => { model.set("value", value); model.save_changes(); };
  tell.listen = (hear) => model.on("change:answer", () => hear(model.get("answer")));
  const begin = () =>
    (place.isConnected ? start(place, model.get("head"), bytes, tell, place) : requestAnimationFrame(begin));
  el.append(place);
  requestAnimationFrame(begin);
}
