// The console's behaviour: one module a story, each working on data attributes, so that no page has script of its own.
// Everything here is a convenience: the server judges every value again.
import { $, mount } from "./dom.js";
import "./copy.js";
import "./dialogs.js";
import "./files.js";
import "./forms.js";
import "./keyform.js";
import "./tables.js";
import "./tags.js";
import "./times.js";
import "./toasts.js";

const root = document.documentElement;

// Tabs run out of a narrow screen; the open one is brought into sight.
mount(".tabs [aria-current]", (tab) => {
  const strip = tab.closest(".tabs");
  const [own, all] = [tab.getBoundingClientRect(), strip.getBoundingClientRect()];
  strip.scrollLeft += own.left + own.width / 2 - all.left - all.width / 2;
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch {
    // storage may be blocked; the choice then lasts for this page
  }
});

addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(input|textarea|select)$/i.test(document.activeElement?.tagName ?? "") || $("dialog[open]")) return;
  const field = $("[data-search]");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});
