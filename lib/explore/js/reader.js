// What forms share: the reader's name, what this browser keeps of their work, and the file of it.
// `data.collection` names the images.

const READER = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/; // as `keep` in lib/explore/rate_images.py
const READER_STYLE = `
input[type="text"] { font: inherit; font-size: .9rem; color: var(--ink); background: var(--ground); border: 1px solid var(--edge); border-radius: 5px; padding: .25rem .6rem; min-height: 2rem; width: 12rem; max-width: 100%; }
progress { accent-color: var(--link); width: 12rem; max-width: 100%; }
`;

const keyOf = (part, data) => `rate_images/${data.collection}/${part}`;

// Keeps a text in this browser; false where it keeps nothing (a private window, say).
function remember(part, data, text) {
  try {
    localStorage.setItem(keyOf(part, data), text);
    return true;
  } catch {
    return false;
  }
}

function recall(part, data) {
  try {
    return localStorage.getItem(keyOf(part, data));
  } catch {
    return null;
  }
}

const keptWords = (kept) => (kept ? "Saved in this browser after every click."
  : "This browser saves nothing: download the file before you leave.");

// The field with the name of the reader, at first the last one's: {element, value}.
function readerField(data, first, onReader, say) {
  const last = recall("reader", data);
  const value = last && READER.test(last) ? last : first;
  const input = make("input", { type: "text", value, maxlength: 40, "aria-label": "Reader", spellcheck: "false", autocomplete: "off" });
  input.addEventListener("change", () => {
    if (!READER.test(input.value)) {
      say("A reader's name has up to 40 letters, digits, - and _.");
      return;
    }
    remember("reader", data, input.value);
    onReader(input.value);
  });
  return { element: make("label", { class: "choice" }, make("span", { text: "Reader" }), input), get value() { return input.value; } };
}

function download(data, reader, csv) {
  const address = URL.createObjectURL(new Blob([csv], { type: "text/csv" }));
  make("a", { href: address, download: `${data.collection}-${reader}.csv` }).click();
  URL.revokeObjectURL(address);
}
