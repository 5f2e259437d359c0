// Shows only the claims that fit all fields of the form; without scripts the whole table stands.
const form = document.querySelector("form.filter");
const rows = [...document.querySelectorAll("table.claims tbody tr")];

function apply() {
  const words = form.text.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden =
      !words.every((word) => text.includes(word)) ||
      (form.paper.value !== "" && row.dataset.paper !== form.paper.value) ||
      (form.verdict.value !== "" && row.dataset.verdict !== form.verdict.value) ||
      (form.attribution.value !== "" && row.dataset.attribution !== form.attribution.value) ||
      (form.share.value !== "" && row.dataset.share !== form.share.value) ||
      (form.core.checked && row.dataset.core !== "yes");
  }
  const shown = rows.filter((row) => !row.hidden).length;
  form.querySelector("output").textContent = `${shown} of ${rows.length} claims`;
}

form.hidden = false;
form.addEventListener("input", apply);
form.addEventListener("submit", (event) => event.preventDefault());
apply();
