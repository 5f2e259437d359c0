// Sets of four images, a score from 0 to 5 for each condition; saved after every click. `ratings.js`
// holds the file, the order and the agreement.

const QUESTION = { text: "like the text", mask: "like the mask" };
const LETTERS = "ABCDEFGH";
const FORM_STYLE = `
.explorer:focus { outline: none; }
.rated { flex: 1 1 8.5rem; max-width: 17rem; }
.turn { margin: 0 0 .8rem; }
.turn, .who { align-items: center; }
.rated figcaption { font-weight: 650; color: var(--ink); }
.score { display: grid; grid-template-columns: repeat(6, minmax(0, 2.4rem)); gap: .15rem; margin-top: .3rem; }
.score > span { grid-column: 1 / -1; font-size: .84rem; color: var(--soft); }
.score button { padding: .15rem 0; }
.score button[aria-pressed="true"] { background: var(--link); border-color: var(--link); color: var(--ground); }
.score.current { outline: 2px solid var(--link); outline-offset: 3px; border-radius: 4px; }
.asked { flex: 0 0 9.5rem; }
@media (max-width: 46rem) {
  .rated { flex-basis: 40%; }
  .score { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .score button { min-height: 2.4rem; }
  .shown { gap: 1rem .8rem; }
  .asked { flex-basis: 7rem; }
  .who > * { flex: 1 1 100%; }
  .who .choice { flex-wrap: nowrap; }
  .who input { flex: 1; }
  .wish { flex-wrap: nowrap; }
  .turn { display: grid; grid-template-columns: 1fr 1fr; }
  .turn > :last-child { grid-column: 1 / -1; }
}
${READER_STYLE}`;

function explore(root, data, tell) {
  const sets = data.condition.length;
  const state = { reader: "reader-1", scores: {}, order: [], at: 0, current: 0, kept: true };
  const place = make("div"), told = status(), found = status(), progress = make("progress", { max: sets * data.each, value: 0, "aria-label": "Images rated" });
  const revealed = make("div");

  const show = () => {
    showSet(data, state, place, score);
    const done = ratedCount(data, state);
    progress.value = done;
    told.text = `Set ${state.at + 1} of ${sets}; ${done} of ${sets * data.each} images rated. ${keptWords(state.kept)}`;
    revealed.replaceChildren(...(done === sets * data.each && data.made ? reveal(data, state) : []));
  };
  const score = (current, value) => {
    const { image, criterion } = questionsOf(data, state)[current];
    state.scores[image] = { ...state.scores[image], [criterion]: value };
    state.current = Math.min(current + 1, questionsOf(data, state).length - 1);
    save(data, state, tell);
    show();
  };
  const turn = (by) => {
    state.at = Math.max(0, Math.min(sets - 1, state.at + by));
    state.current = 0;
    save(data, state, tell);
    show();
  };

  const name = readerField(data, state.reader, (reader) => { resume(data, state, reader); show(); }, (words) => { told.text = words; });
  root.tabIndex = -1; // a click anywhere brings the keys here
  root.addEventListener("keydown", (event) => onKey(event, data, state, score, turn, show));

  root.append(
    make("style", { text: FORM_STYLE }),
    make("h2", { text: "Rate images" }),
    make("p", { text: `Four images were asked for in one way. Say how well each shows what was asked for: 0 not at all, ${data.best} fully. Keys 0 to ${data.best} score and go on, ← and → move, Enter goes to the next set.` }),
    make("div", { class: "row who" }, name.element, progress),
    told.element,
    place,
    make("div", { class: "row turn" }, button("Previous set", () => turn(-1)), button("Next set", () => turn(1)),
      button("Download the file (CSV)", () => download(data, state.reader, toCsv(data, state.reader, state.scores)))),
    section("A second reader", "Load the file of another reader of the same images: kappa with quadratic weights, 1 is full agreement, 0 what chance gives.",
      row(secondReader(data, state, found)), found.element),
    revealed,
  );
  resume(data, state, name.value);
  show();
  if (!tell.listen && window.top === window) root.focus(); // a page of its own
}

// Questions of the set that is shown, in this reader's order: [{image, criterion}].
function questionsOf(data, state) {
  return imagesOf(data, state).flatMap((image) => criteriaOf(data, image).map((criterion) => ({ image, criterion })));
}

function imagesOf(data, state) {
  const set = state.order[state.at];
  const order = shuffledOrder(data.each, seedOf(`${state.reader}/${set}`));
  return order.map((k) => set * data.each + k);
}

const ratedCount = (data, state) => Object.keys(state.scores).filter((image) => isRated(data, state.scores, image)).length;

function showSet(data, state, place, score) {
  const set = state.order[state.at], [text, mask] = data.conditions[data.condition[set]];
  const size = data.mask.shape[1] * data.mask.shape[2], asked = [];
  if (text) asked.push(make("p", {}, "Text: ", make("b", { text: data.text[set] })));
  if (mask) {
    const view = picture("Mask", data.mask.shape[1]);
    view.grey(data.mask.values.subarray(set * size, (set + 1) * size));
    view.element.classList.add("asked");
    asked.push(view.element);
  }
  const questions = questionsOf(data, state);
  const images = imagesOf(data, state).map((image, k) => {
    const view = picture(`Image ${LETTERS[k]}`, data.image.shape[1]);
    view.grey(data.image.values.subarray(image * size, (image + 1) * size), 0, 255);
    view.element.classList.add("rated");
    const own = questions.map((each, at) => [each, at]).filter(([each]) => each.image === image);
    view.element.append(...own.map(([each, at]) => scoreRow(data, state, each, at, LETTERS[k], score)));
    return view.element;
  });
  const held = place.getRootNode().activeElement?.dataset.at; // focus goes on with the question
  place.replaceChildren(section("Asked for", "", make("div", { class: "row wish" }, ...asked)), section("Images", "", make("div", { class: "row shown" }, ...images)));
  if (held !== undefined) place.querySelector(`button[data-at="${state.current}"]`)?.focus();
}

function scoreRow(data, state, { image, criterion }, at, letter, score) {
  const given = state.scores[image]?.[criterion];
  const buttons = Array.from({ length: data.best + 1 }, (_, value) => {
    const each = button(`${value}`, () => score(at, value));
    each.setAttribute("aria-pressed", `${given === value}`);
    each.setAttribute("aria-label", `Image ${letter}, ${QUESTION[criterion]}: ${value}`);
    each.dataset.at = at;
    return each;
  });
  const kind = at === state.current ? "score current" : "score";
  return make("div", { class: kind, role: "group", "aria-label": `Image ${letter}, ${QUESTION[criterion]}` },
    make("span", { text: QUESTION[criterion] }), ...buttons);
}

// Digits score the current question, arrows move it, Enter turns the page; not while a name is typed.
function onKey(event, data, state, score, turn, show) {
  if (event.target.type === "text" || event.ctrlKey || event.metaKey || event.altKey) return;
  const questions = questionsOf(data, state), step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (/^\d$/.test(event.key) && Number(event.key) <= data.best) score(state.current, Number(event.key));
  else if (step) {
    state.current = Math.max(0, Math.min(questions.length - 1, state.current + step));
    show();
  } else if (event.key === "Enter" && event.target.tagName !== "BUTTON" && event.target.tagName !== "INPUT") turn(1);
  else return;
  event.preventDefault();
}

// ---- what is kept ----

function save(data, state, tell) {
  state.kept = remember(`of/${state.reader}`, data, JSON.stringify({ scores: state.scores, at: state.at }));
  tell({ reader: state.reader, csv: toCsv(data, state.reader, state.scores) });
}

// Everything of a reader as it was left; an order of their own.
function resume(data, state, reader) {
  const left = JSON.parse(recall(`of/${reader}`, data) ?? '{"scores": {}, "at": 0}');
  const order = shuffledOrder(data.condition.length, seedOf(`${data.collection}/${reader}`));
  Object.assign(state, { reader, order, scores: left.scores, at: left.at, current: 0 });
}

function secondReader(data, state, told) {
  const input = make("input", { type: "file", accept: ".csv,text/csv", "aria-label": "File of a second reader" });
  input.addEventListener("change", async () => {
    try {
      const { reader, scores } = fromCsv(data, await input.files[0].text());
      const same = reader === state.reader ? " Both have one name: it may be your own file." : "";
      told.text = `${state.reader} and ${reader}: ${agreementWords(agreement(state.scores, scores))}.${same}`;
    } catch (error) {
      told.text = `The file cannot be used: ${error.message}.`;
    }
  });
  return input;
}

function agreementWords(found) {
  const each = Object.entries(found).map(([criterion, { n, kappa }]) => {
    const words = kappa === null ? "no kappa" : `kappa ${kappa.toFixed(2)}`;
    return `${criterion}, ${n} images of both: ${words}`;
  });
  return each.join("; ");
}

// What was done to the images, once all are rated, and the mean score of each way.
function reveal(data, state) {
  const sums = {};
  for (const [image, scores] of Object.entries(state.scores)) {
    const own = (sums[data.made[image]] ??= { text: [], mask: [] });
    for (const criterion of CRITERIA) if (Number.isInteger(scores[criterion])) own[criterion].push(scores[criterion]);
  }
  const mean = (values) => (values.length ? (values.reduce((a, b) => a + b) / values.length).toFixed(1) : "none");
  const lines = [...new Set(data.made)].sort().map((way) =>
    make("tr", {}, make("th", { text: way, scope: "row" }), ...CRITERIA.map((criterion) => make("td", { text: mean(sums[way][criterion]) }))));
  const head = make("tr", {}, make("th", { text: "what was shown" }), make("th", { text: "text, mean" }), make("th", { text: "mask, mean" }));
  return [section("What you have seen", "All are rated, so the secret may come out.", make("table", {}, head, ...lines))];
}
