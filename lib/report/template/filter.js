// Shows only the claims that fit all fields of the form; without scripts the whole tables stand.
const form = document.querySelector("form.filter");
const clear = form.querySelector("button");
const rows = [...document.querySelectorAll("table.claims tbody tr")].map((row) => {
  const why = row.querySelector(".why");
  const [all, hidden] = [row, why].map((each) => each.textContent.toLowerCase());
  return { row, why, all: written(all), plain: written(all.replace(hidden, "")) };
});
const parts = [...document.querySelectorAll("#claims details.part")];
const fields = [...form.querySelectorAll("input[type=search], select")];
let searching = false;

// A text and the same without hyphens, so that pv27 finds PV-27.
function written(text) {
  return `${text} ${text.replaceAll("-", "")}`;
}

function apply() {
  const words = form.text.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const { row, why, all, plain } of rows) {
    row.hidden =
      !words.every((word) => all.includes(word)) ||
      (form.paper.value !== "" && row.dataset.paper !== form.paper.value) ||
      (form.verdict.value !== "" && row.dataset.verdict !== form.verdict.value) ||
      (form.attribution.value !== "" && row.dataset.attribution !== form.attribution.value) ||
      (form.share.value !== "" && row.dataset.share !== form.share.value) ||
      (form.core.checked && row.dataset.core !== "yes");
    why.open = !row.hidden && words.some((word) => !plain.includes(word));
  }
  const before = searching;
  const shown = rows.filter(({ row }) => !row.hidden).length;
  searching = form.core.checked || fields.some((field) => field.value !== "");
  for (const part of parts) {
    part.hidden = !part.querySelector("tbody tr:not([hidden])");
    if (searching || before) part.open = searching;
  }
  const count = `${shown} of ${rows.length} claims`;
  form.querySelector("output").textContent = shown ? count : `Nothing matches: ${count}`;
  clear.hidden = !searching;
}

function anew() {
  form.reset();
  apply();
}

// A link into a folded part opens it, and a search that hides its target is cleared.
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.hidden) anew();
  for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  target.scrollIntoView();
}

form.hidden = false;
form.addEventListener("input", apply);
clear.addEventListener("click", () => {
  anew();
  form.text.focus();
});
form.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", reveal);
apply();
reveal();
