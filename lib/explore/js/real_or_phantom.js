// A round of real or phantom: one image at a time, an answer and how sure; the result at the end.
// `answers` are {image: [which of the names, confidence]}, as lib/explore/real_or_phantom.py has them.

const ROUND_STYLE = `
.explorer:focus { outline: none; }
.judged { flex: 1 1 16rem; max-width: 22rem; }
.asked { flex: 1 1 15rem; }
.asked button { min-width: 2.6rem; }
.asked button[aria-pressed="true"] { background: var(--link); border-color: var(--link); color: var(--ground); }
.asked p.note { margin-top: .8rem; }
.mistaken figure { flex: 0 1 8rem; }
${READER_STYLE}`;
const capital = (word) => `${word[0].toUpperCase()}${word.slice(1)}`;
const SURE = ["a guess", "", "", "", "sure"];

function explore(root, data, tell) {
  const n = data.keys.length;
  const state = { reader: "reader-1", answers: {}, at: 0, said: null, kept: true };
  const told = status(), progress = make("progress", { max: n, value: 0, "aria-label": "Images answered" });
  const view = picture("Image", data.image.shape[1]), result = make("div");
  view.element.classList.add("judged");
  const done = () => Object.keys(state.answers).length;
  const ended = () => done() === n;

  const say = (which) => { if (!ended()) { state.said = which; show(); } };
  const sure = (confidence) => {
    if (ended() || state.said === null) return;
    state.answers[data.keys[state.at]] = [state.said, confidence];
    save(data, state, tell);
    if (!ended()) state.at = nextOpen(data, state);
    look(state.at);
  };
  const look = (at) => {
    state.at = Math.max(0, Math.min(n - 1, at));
    state.said = state.answers[data.keys[state.at]]?.[0] ?? null;
    show();
  };
  const names = data.names.map((name, which) => button(capital(name), () => say(which)));
  const levels = Array.from({ length: data.surest }, (_, i) => button(`${i + 1}`, () => sure(i + 1)));
  levels.forEach((each, i) => each.setAttribute("aria-label", `Confidence ${i + 1}${SURE[i] && `, ${SURE[i]}`}`));

  const show = () => {
    const size = data.image.shape[1] * data.image.shape[2], given = state.answers[data.keys[state.at]];
    view.grey(data.image.values.subarray(state.at * size, (state.at + 1) * size), 0, 255);
    view.caption = `Image ${state.at + 1} of ${n}`;
    names.forEach((each, which) => { each.setAttribute("aria-pressed", `${state.said === which}`); each.disabled = ended(); });
    levels.forEach((each, i) => {
      each.setAttribute("aria-pressed", `${given?.[0] === state.said && given?.[1] === i + 1}`);
      each.disabled = ended() || state.said === null;
    });
    progress.value = done();
    told.text = `${done()} of ${n} images answered. ${keptWords(state.kept)}`;
    result.replaceChildren(...(ended() ? resultParts(data, state.answers) : []));
  };
  const name = readerField(data, state.reader, (reader) => { resume(data, state, reader); look(state.at); }, (words) => { told.text = words; });
  root.tabIndex = -1; // a click anywhere brings the keys here
  root.addEventListener("keydown", (event) => onKey(event, data, { say, sure, turn: (by) => look(state.at + by) }));

  root.append(
    make("style", { text: ROUND_STYLE }),
    make("h2", { text: data.title }),
    make("p", { text: data.note }),
    make("p", { text: `Say which it is (key ${data.names.map((each) => `${each[0].toUpperCase()}: ${each}`).join(", ")}), then how sure you are. Keys 1 (a guess) to ${data.surest} (sure) answer and go on; ← and → look back and ahead.` }),
    make("div", { class: "row" }, name.element, progress),
    told.element,
    row(view.element, make("div", { class: "asked" },
      make("div", { class: "row", role: "group", "aria-label": data.question }, ...names),
      make("p", { class: "note", text: "How sure? 1 is a guess, 5 is sure." }),
      make("div", { class: "row", role: "group", "aria-label": "Confidence" }, ...levels),
      make("p", { class: "note", text: "An answer can be changed until the last one is given; then the result comes." }),
      row(button("Back", () => look(state.at - 1)), button("Ahead", () => look(state.at + 1)),
        button("Download the answers (CSV)", () => download(data, state.reader, answersCsv(data, state.reader, state.answers)))))),
    result,
  );
  resume(data, state, name.value);
  look(state.at);
  if (!tell.listen && window.top === window) root.focus({ preventScroll: true }); // a page of its own
}

// Letters answer, digits say how sure, arrows look at another image; not while a name is typed.
function onKey(event, data, { say, sure, turn }) {
  if (event.target.type === "text" || event.ctrlKey || event.metaKey || event.altKey) return;
  const which = data.names.findIndex((name) => name[0] === event.key.toLowerCase());
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (which >= 0) say(which);
  else if (/^\d$/.test(event.key) && Number(event.key) >= 1 && Number(event.key) <= data.surest) sure(Number(event.key));
  else if (step) turn(step);
  else return;
  event.preventDefault();
}

// The next image without an answer, from the one that is shown on.
function nextOpen(data, { answers, at }) {
  const n = data.keys.length;
  return Array.from({ length: n }, (_, i) => (at + i) % n).find((i) => !answers[data.keys[i]]) ?? at;
}

// ---- what is kept ----

function save(data, state, tell) {
  state.kept = remember(`of/${state.reader}`, data, JSON.stringify(state.answers));
  tell({ reader: state.reader, csv: answersCsv(data, state.reader, state.answers) });
}

// A reader's answers as they were left, in the file of a live kernel and in this browser, as far as
// their images still are in the round.
function resume(data, state, reader) {
  const left = { ...data.before[reader], ...JSON.parse(recall(`of/${reader}`, data) ?? "{}") };
  const answers = Object.fromEntries(Object.entries(left).filter(([key]) => data.keys.includes(key)));
  Object.assign(state, { reader, answers, at: nextOpen(data, { answers, at: 0 }) });
}

function answersCsv(data, reader, answers) {
  const rows = data.keys.filter((key) => answers[key]).map((key) => [reader, key, data.names[answers[key][0]], answers[key][1]]);
  return [data.columns, ...rows].map((cells) => `${cells.join(",")}\n`).join("");
}

// ---- the result ----

// {right, low, high, auc}: right answers, the exact 95 % interval of their share, and the area under
// the ROC of the signed confidence, ties counting half.
function roundResult(data, answers) {
  const each = data.keys.map((key, i) => ({ second: data.second.values[i], said: answers[key][0], sure: answers[key][1] }));
  const right = each.filter(({ second, said }) => second === said).length;
  const scores = (kind) => each.filter(({ second }) => second === kind).map(({ said, sure }) => (said ? sure : -sure));
  const above = scores(1), below = scores(0);
  let wins = 0;
  for (const a of above) for (const b of below) wins += a > b ? 1 : a === b ? 0.5 : 0;
  return { right, low: data.interval.values[2 * right], high: data.interval.values[2 * right + 1], auc: wins / (above.length * below.length) };
}

function resultParts(data, answers) {
  const { right, low, high, auc } = roundResult(data, answers), n = data.keys.length;
  const percent = (share) => `${(100 * share).toFixed(0)} %`;
  const line = (name, ...cells) => make("tr", {}, make("th", { scope: "row", text: name }), ...cells.map((text) => make("td", { text })));
  const words = low > 0.5 ? "You tell them apart: the whole interval lies above chance."
    : high < 0.5 ? "You tell them apart, but take each kind for the other: the whole interval lies below chance."
    : "Chance lies in the interval: this round does not show that you tell them apart, nor that nobody could.";
  const table = make("table", {},
    make("tr", {}, ...["", "you", "95 % interval", "chance"].map((text) => make("th", { scope: "col", text }))),
    line("right answers", `${right} of ${n}, ${percent(right / n)}`, `${percent(low)} to ${percent(high)}`, "50 %"),
    line("AUC of the confidence", auc.toFixed(2), "", "0.50"));
  const taken = [0, 1].map((kind) => {
    const wrong = data.keys.map((_, i) => i).filter((i) => data.second.values[i] === kind && answers[data.keys[i]][0] !== kind);
    return section(`${capital(data.names[kind])}, taken for ${data.names[1 - kind]}`, wrong.length ? "" : "None.",
      make("div", { class: "row mistaken" }, ...wrong.map((i) => mistaken(data, answers, i))));
  });
  return [section("Your result", words, table), ...taken];
}

function mistaken(data, answers, i) {
  const size = data.image.shape[1] * data.image.shape[2];
  const view = picture(`${data.source[i]}; confidence ${answers[data.keys[i]][1]}`, data.image.shape[1]);
  view.grey(data.image.values.subarray(i * size, (i + 1) * size), 0, 255);
  return view.element;
}
