// What every form does: waits for its ticks and typed words, counts, shows that it is busy, sends once,
// and puts the focus where something is wrong.
import { $, $$, afterClick, mount } from "./dom.js";
import { showFault } from "./keyform.js";
import { isSignedIn } from "./session.js";

// A button waits, all at once, for the boxes named in data-needs, for one of those inside data-needs-any, for a typed
// word, and for the fields of its form.
function needs(button) {
  const boxes = (button.dataset.needs ?? "").split(",").map((part) => part.trim()).filter(Boolean).map((part) => $(part)).filter(Boolean);
  const word = button.hasAttribute("data-confirm-ok") ? $("[data-confirm]", button.form ?? document) : null;
  const form = button.hasAttribute("data-valid-form") ? button.form : null;
  const any = button.dataset.needsAny ? $(button.dataset.needsAny) : null;
  const set = () => {
    button.disabled = boxes.some((box) => !box.checked) || (word !== null && word.value !== word.dataset.confirm)
      || (form !== null && !form.matches(":valid")) || (any !== null && $("input:checked", any) === null);
  };
  for (const source of [...boxes, word, form, any]) {
    source?.addEventListener("input", set);
    source?.addEventListener("change", set);
    source?.addEventListener("kms:checked", set);
  }
  set();
}

// data-all="#choices": ticks all boxes in there, or none, and shows how it stands with them.
function all(box) {
  const choices = $(box.dataset.all);
  const boxes = $$("input[type=checkbox]", choices);
  const set = () => {
    const ticked = boxes.filter((each) => each.checked).length;
    box.checked = ticked === boxes.length;
    box.indeterminate = ticked > 0 && !box.checked;
  };
  box.addEventListener("change", () => {
    boxes.forEach((each) => { each.checked = box.checked; });
    choices.dispatchEvent(new Event("change", { bubbles: true }));
  });
  choices.addEventListener("change", set);
  set();
}

// How the service measures a text: bytes of UTF-8 where it is encrypted or signed; of Base64 and hex all but blanks;
// else code points, while maxlength itself counts UTF-16 units.
const MEASURES = {
  bytes: (text) => new TextEncoder().encode(text).length,
  encoded: (text) => text.replace(/\s+/g, "").length,
  characters: (text) => [...text].length,
};

function counter(output) {
  const area = document.getElementById(output.getAttribute("for"));
  if (!area) return;
  const measure = area.dataset.counts ?? "characters";
  // the limit may depend on a choice: what data-limits says of the value of data-most-by
  const choice = area.dataset.mostBy ? $(area.dataset.mostBy) : null;
  const limits = JSON.parse(area.dataset.limits ?? "{}");
  let said = "";
  const set = () => {
    const most = Number(limits[choice?.value] ?? area.dataset.most ?? area.maxLength);
    const length = MEASURES[measure](area.value);
    output.textContent = `${length.toLocaleString("en")}/${most.toLocaleString("en")}`;
    const over = length > most;
    output.classList.toggle("over", over);
    const fault = over ? `At most ${most.toLocaleString("en")} ${measure === "bytes" ? "bytes" : "characters"}.` : "";
    if (fault === said) return;
    said = fault;
    area.setCustomValidity(fault);
    showFault(area, fault);
    area.dispatchEvent(new CustomEvent("kms:checked", { bubbles: true }));
  };
  area.addEventListener("input", set);
  choice?.addEventListener("change", set);
  area.form?.addEventListener("reset", () => setTimeout(set));
  set();
}

// data-fault="sentence": what stands under a field whose value cannot be, instead of a button that waits without a word.
// A hand that is still typing is given time; a value that is right again is believed at once.
function fault(input) {
  let timer;
  const set = () => afterClick(() => showFault(input, input.validity.valid ? "" : input.dataset.fault));
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(set, input.validity.valid ? 0 : 400);
  });
  input.addEventListener("blur", () => {
    clearTimeout(timer);
    set();
  });
}

function reveal(button) {
  button.addEventListener("click", () => {
    const input = $(button.dataset.reveal);
    const hidden = input.type === "password";
    input.type = hidden ? "text" : "password";
    button.setAttribute("aria-pressed", String(hidden));
  });
}

// A form in flight is not sent again. Where the page stays (htmx, a download, the back button) it is set free.
const inFlight = new WeakMap();
const passed = new WeakSet();

function free(form) {
  inFlight.get(form)?.removeAttribute("aria-busy");
  inFlight.delete(form);
}

const changesSomething = (form) =>
  form.hasAttribute("hx-post") || ((form.getAttribute("method") ?? "").toLowerCase() === "post" && !form.hasAttribute("data-wizard"));

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!changesSomething(form)) {
    // a search that is sent out of a menu closes it: its answer lies below
    // Enter submits by the form's first button, wherever that is
    (event.submitter?.closest("[popover]") ?? document.activeElement?.closest("[popover]"))?.hidePopover();
    return;
  }
  if (passed.delete(form)) return;
  if (inFlight.has(form)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  const button = event.submitter ?? form;
  inFlight.set(form, button);
  button.setAttribute("aria-busy", "true");
  if (form.hasAttribute("data-download")) setTimeout(() => free(form), 1000);
  if (form.hasAttribute("hx-post") || !needsSession(form)) return;
  // A page of its own is left by sending: before that, make sure that what was typed arrives.
  event.preventDefault();
  isSignedIn().then((is) => {
    if (!is) return free(form);
    passed.add(form);
    form.requestSubmit(event.submitter);
  });
}, true);

const needsSession = (form) => document.body.hasAttribute("data-session") && !form.hasAttribute("data-sessionless");

document.addEventListener("htmx:confirm", (event) => {
  const { elt, verb, issueRequest } = event.detail;
  if (verb === "get" || !needsSession(elt)) return;
  event.preventDefault();
  isSignedIn().then((is) => (is ? issueRequest(true) : free(elt)));
});
document.addEventListener("htmx:afterRequest", (event) => free(event.target));
addEventListener("pageshow", (event) => event.persisted && $$("form").forEach(free));

// A refused form comes back as 422 with its errors in place; htmx would otherwise swap only successes.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 422) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

// data-when="name=value" or "name!=value": shown, and its fields sent, only while that radio, box or select of the form
// has, or has not, that value. data-when-keep hides without switching the fields off.
function when(part) {
  const form = part.closest("form");
  const [, name, not, value] = /^([^!=]+)(!?)=(.*)$/.exec(part.dataset.when);
  const set = () => {
    const on = (new FormData(form).get(name) === value) !== Boolean(not);
    part.hidden = !on;
    if (part.hasAttribute("data-when-keep")) return;
    part.toggleAttribute("data-off", !on);
    $$("input, select, textarea, button", part).forEach((field) => { field.disabled = !on; });
  };
  form.addEventListener("change", set);
  set();
}

mount("[data-when]", when);
mount("[data-needs], [data-needs-any], [data-confirm-ok], [data-valid-form]", needs);
mount("[data-all]", all);
mount(".counted > output", counter);
mount("[data-fault]", fault);
mount("[data-reveal]", reveal);
// A form that asks for a list, such as a filter, shows what the list shows: with each answer its values become its
// defaults, and where none comes it goes back to them. A text that has the focus is left until it loses it.
function settle(form) {
  for (const field of form.elements) {
    if (field instanceof HTMLSelectElement) [...field.options].forEach((option) => { option.defaultSelected = option.selected; });
    else if (field instanceof HTMLInputElement && field.type !== "hidden") field.defaultValue = field.value;
  }
}

function restore(form) {
  const typing = form.contains(document.activeElement) && document.activeElement.matches("input[type=search]") ? document.activeElement : null;
  const text = typing?.value;
  form.reset();
  if (!typing) return;
  typing.value = text;
  typing.addEventListener("blur", () => { if (typing.value === text) typing.value = typing.defaultValue; }, { once: true });
}

const asksForList = ({ elt, requestConfig }) => (requestConfig?.verb === "get" && elt instanceof HTMLFormElement ? elt : null);
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const form = asksForList(detail);
  if (!form || detail.xhr.status === 0) return; // what was aborted makes room for what came after it
  if (detail.successful) settle(form);
  else restore(form);
});
document.addEventListener("htmx:sendError", ({ detail }) => {
  const form = asksForList(detail);
  if (form) restore(form);
});

mount("form[data-autosubmit]", (form) => form.addEventListener("change", () => form.requestSubmit()));
mount("form", (form) => {
  if (!form.closest("dialog")) $("[aria-invalid=true]", form)?.focus();
});
