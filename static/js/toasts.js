// Toasts leave by themselves after five seconds, but not from under a pointer or a focus; errors stay.
import { $, element, icon, mount } from "./dom.js";

const SHOWN_MS = 5000;

function autohide(toast) {
  let timer;
  const start = () => { timer = setTimeout(() => toast.remove(), SHOWN_MS); };
  const stop = () => clearTimeout(timer);
  toast.addEventListener("mouseenter", stop);
  toast.addEventListener("mouseleave", start);
  toast.addEventListener("focusin", stop);
  toast.addEventListener("focusout", start);
  start();
}

const KINDS = { success: ["ok", "ok"], error: ["bad", "err"], warning: ["warn", "warn"], info: ["", "info"] };

/** Shows a toast as components/toast.html draws it. */
export function toast(text, kind = "success") {
  const [look, mark] = KINDS[kind] ?? KINDS.info;
  const close = element("button", { class: "iconbtn", type: "button", "data-dismiss": "", "aria-label": "Dismiss" }, icon("x"));
  const strip = element("div", { class: `strip ${look}` }, icon(mark), element("div", {}, element("p", {}, text)), close);
  if (kind === "error") strip.setAttribute("role", "alert");
  else autohide(strip);
  $("#toasts")?.append(strip);
}

mount("#toasts [data-autohide]", autohide);
document.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest(".strip")?.remove());
// A view may answer an htmx request with HX-Trigger: {"kms:toast": {"text": …, "kind": …}}.
document.addEventListener("kms:toast", (event) => toast(event.detail.text, event.detail.kind));
