// The document: finding, announcing, and making elements work whether they came with the page or by an htmx swap.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const mounts = [];
const mounted = new WeakMap();

function run(root, { selector, start }) {
  const found = root.matches?.(selector) ? [root, ...$$(selector, root)] : $$(selector, root);
  for (const element of found) {
    const starts = mounted.get(element) ?? mounted.set(element, new Set()).get(element);
    if (starts.has(start)) continue;
    starts.add(start);
    start(element);
  }
}

/** Calls start(element) once for every element that matches, now and after each htmx swap. */
export function mount(selector, start) {
  mounts.push({ selector, start });
  run(document, { selector, start });
}

document.addEventListener("htmx:load", (event) => mounts.forEach((each) => run(event.target, each)));

let isPressed = false;
const waiting = [];
addEventListener("pointerdown", () => { isPressed = true; }, true);
for (const name of ["pointerup", "pointercancel"]) {
  addEventListener(name, () => {
    isPressed = false;
    setTimeout(() => waiting.splice(0).forEach((act) => act()));
  }, true);
}

/** Does what may move the page now, or after the click that is under way: it must not slip from under the pointer. */
export function afterClick(act) {
  if (isPressed) waiting.push(act);
  else act();
}

/** Says a sentence to a screen reader without moving the focus. */
export function announce(text) {
  const region = $("#announce");
  if (region) region.textContent = text;
}

/** An icon of the sprite, as components/icon.html draws it. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `${document.documentElement.dataset.sprite}#i-${name}`);
  svg.append(use);
  return svg;
}

/** element("p", { class: "err" }, icon("err"), "text") */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
