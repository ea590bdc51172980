// Native dialogs and drawers. data-open="#id" opens, data-close closes, data-show opens at once, data-hold keeps a
// dialog that holds input from closing by a click beside it.
import { $, $$, mount } from "./dom.js";

// What had the focus before a dialog came by htmx. A refusal brings the dialog anew, which then no longer knows.
let opener = null;

function open(dialog) {
  if (!dialog || dialog.open) return;
  const before = document.activeElement;
  if (before !== document.body && !before.closest("dialog")) opener = before;
  dialog.showModal();
  // The first field gets the focus, never the close button in the head and never a red button. Where that field lies
  // below what has to be read first, such as a long list of keys, the heading has it and the dialog opens at its top.
  const wrong = $("[autofocus]", dialog) ?? $("[aria-invalid=true]", dialog);
  const first = $(".body :is(input:not([type=hidden], [readonly]), select, textarea):not(:disabled)", dialog);
  const heading = $("header h2[tabindex]", dialog);
  if (wrong || !heading || (first && isInSight(first, $(".body", dialog)))) (wrong ?? first)?.focus();
  else heading.focus();
}

function isInSight(field, body) {
  const [own, all] = [field.getBoundingClientRect(), body.getBoundingClientRect()];
  return own.bottom <= all.bottom && own.top >= all.top;
}

// Toasts go into the top layer with whatever dialog is open, and back to the page when it closes.
function follow(dialog) {
  new MutationObserver(() => {
    const toasts = $("#toasts");
    if (!toasts) return;
    if (dialog.open) dialog.append(toasts);
    else if (dialog.contains(toasts)) ($$("dialog[open]").at(-1) ?? document.body).append(toasts);
  }).observe(dialog, { attributeFilter: ["open"] });
}

mount("dialog", (dialog) => {
  follow(dialog);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && !dialog.hasAttribute("data-hold")) dialog.close();
  });
  if (dialog.closest("#dialog-host")) {
    dialog.addEventListener("close", () => setTimeout(() => {
      if (dialog.open) return;
      dialog.remove();
      if (document.activeElement === document.body) opener?.focus();
    }));
  }
});
mount("dialog[data-show]", open);

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) {
    event.preventDefault();
    open($(opener.dataset.open));
  }
  if (event.target.closest("[data-close]")) {
    const dialog = event.target.closest("dialog");
    if (dialog) {
      event.preventDefault();
      dialog.close();
    }
  }
});

// A second click while the first was on its way would bring the dialog anew, without what was typed into it meanwhile.
document.addEventListener("htmx:beforeRequest", (event) => {
  const { target, requestConfig } = event.detail;
  if (requestConfig.verb === "get" && target.id === "dialog-host" && $("dialog", target)) event.preventDefault();
});
