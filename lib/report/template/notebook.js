// One button opens or folds the code of all cells; without scripts each cell opens alone.
const button = document.querySelector(".unfold");
const cells = [...document.querySelectorAll("details.input")];

button.hidden = cells.length === 0;
button.addEventListener("click", () => {
  const open = !cells.every((cell) => cell.open);
  cells.forEach((cell) => (cell.open = open));
  button.textContent = open ? "fold all code" : "show all code";
});

// An explorer says how high it is: a page on a disk may not look into the frame of another. Until
// then the line below it says where it lies: this page may have been sent without it.
const frames = [...document.querySelectorAll("iframe[data-page]")];

frames.forEach((frame) => (frame.nextElementSibling.hidden = false));
window.addEventListener("message", ({ source, data }) => {
  const frame = frames.find((each) => each.contentWindow === source);
  if (!frame || !Number.isFinite(data?.height)) return;
  frame.style.height = `${data.height}px`;
  frame.nextElementSibling.hidden = true;
});
frames.forEach((frame) => frame.contentWindow.postMessage("height", "*"));

// A page that was sent without its figures says which are missing, and where they lie.
function missing(image) {
  const text = `${image.alt} [This page was moved without its figures: ${image.getAttribute("src")} is missing beside it. Send the whole folder figures/.]`;
  const told = Object.assign(document.createElement("p"), { className: "missing", textContent: text });
  image.replaceWith(told);
}
for (const image of document.images) {
  if (image.complete && image.naturalWidth === 0) missing(image);
  else image.addEventListener("error", () => missing(image));
}
