// What every form does: waits for its ticks and typed words, counts, shows that it is busy, sends once,
// and puts the focus where something is wrong.
import { $, $$, mount } from "./dom.js";

// A button waits for everything it names in data-needs (selectors of check boxes) and for a typed word, at once.
function needs(button) {
  const boxes = (button.dataset.needs ?? "").split(",").map((part) => part.trim()).filter(Boolean).map((part) => $(part)).filter(Boolean);
  const word = button.hasAttribute("data-confirm-ok") ? $("[data-confirm]", button.form ?? document) : null;
  const set = () => {
    button.disabled = boxes.some((box) => !box.checked) || (word !== null && word.value !== word.dataset.confirm);
  };
  boxes.forEach((box) => box.addEventListener("change", set));
  word?.addEventListener("input", set);
  set();
}

function counter(output) {
  const area = document.getElementById(output.htmlFor.value || output.getAttribute("for"));
  if (!area) return;
  const most = Number(area.dataset.most ?? area.maxLength);
  const set = () => {
    // code points, as the server counts; maxlength itself counts UTF-16 units
    const length = [...area.value].length;
    output.textContent = `${length.toLocaleString("en")}/${most.toLocaleString("en")}`;
    output.classList.toggle("over", length > most);
  };
  area.addEventListener("input", set);
  area.form?.addEventListener("reset", () => setTimeout(set));
  set();
}

function reveal(button) {
  button.addEventListener("click", () => {
    const input = $(button.dataset.reveal);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
  });
}

function busy(form, on) {
  for (const button of form.elements) {
    if (button.type === "submit" && (button === form.submitter || !on)) {
      if (on) button.setAttribute("aria-busy", "true");
      else button.removeAttribute("aria-busy");
    }
  }
}

// A form in flight is not sent again. htmx has its own life cycle and clears it; a page that is left needs no clearing,
// except that the back button may show it once more.
const inFlight = new WeakSet();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented && !form.closest("[hx-get], [hx-post], [hx-boost=true]")) return;
  if (form.method === "dialog" || (form.getAttribute("method") ?? "get").toLowerCase() === "get") return;
  if (inFlight.has(form)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  inFlight.add(form);
  form.submitter = event.submitter;
  event.submitter?.setAttribute("aria-busy", "true");
}, true);
const clear = (form) => {
  if (!(form instanceof HTMLFormElement)) return;
  inFlight.delete(form);
  busy(form, false);
};
document.addEventListener("htmx:afterRequest", (event) => clear(event.target));
addEventListener("pageshow", (event) => event.persisted && $$("form").forEach(clear));

function autosubmit(form) {
  form.addEventListener("change", () => form.requestSubmit());
}

mount("[data-needs], [data-confirm-ok]", needs);
mount(".counted > output", counter);
mount("[data-reveal]", reveal);
mount("form[data-autosubmit]", autosubmit);
mount("form", (form) => {
  if (!form.closest("dialog")) form.querySelector("[aria-invalid=true]")?.focus();
});
