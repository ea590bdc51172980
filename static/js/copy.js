// Copying: data-copy="text" or data-copy-from="#element".
import { $, announce } from "./dom.js";

async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // plain http on a named host has no clipboard interface; the old command still works there
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "vh";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copying was refused");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const source = button.dataset.copyFrom ? $(button.dataset.copyFrom) : null;
  try {
    await write(source ? source.value ?? source.textContent : button.dataset.copy);
  } catch {
    announce("Copying was refused by the browser.");
    return;
  }
  announce("Copied");
  button.classList.add("okc");
  setTimeout(() => button.classList.remove("okc"), 1200);
});
