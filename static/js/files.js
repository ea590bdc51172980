// Saving what the page shows as a file: data-save="#element" data-save-as="name.csv". Nothing of it goes into an address.
import { ascii, save } from "./bytes.js";
import { $, announce } from "./dom.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-save]");
  if (!button) return;
  save(ascii($(button.dataset.save).textContent), button.dataset.saveAs);
  announce("Saved");
});
