// One button opens or folds the code of all cells; without scripts each cell opens alone.
const button = document.querySelector(".unfold");
const cells = [...document.querySelectorAll("details.input")];

button.hidden = cells.length === 0;
button.addEventListener("click", () => {
  const open = !cells.every((cell) => cell.open);
  cells.forEach((cell) => (cell.open = open));
  button.textContent = open ? "fold all code" : "show all code";
});
