// Toasts leave by themselves after five seconds, but not from under a pointer or a focus; errors stay.
import { $, $$, element, icon, mount } from "./dom.js";

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

/** Shows a toast as components/toast.html draws it; one that stands there already is not shown twice. */
export function toast(text, kind = "success") {
  $$("#toasts .strip").filter((shown) => $("p", shown)?.textContent === text).forEach((shown) => shown.remove());
  const [look, mark] = KINDS[kind] ?? KINDS.info;
  const close = element("button", { class: "iconbtn", type: "button", "data-dismiss": "", "aria-label": "Dismiss" }, icon("x"));
  const strip = element("div", { class: `strip ${look}` }, icon(mark), element("div", {}, element("p", {}, text)), close);
  if (kind === "error") strip.setAttribute("role", "alert");
  else autohide(strip);
  $("#toasts")?.append(strip);
}

mount("#toasts [data-autohide]", autohide);
document.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest(".strip")?.remove());

// What htmx asked for and did not get: it swaps successes and forms with errors, and would pass over the rest in silence.
document.addEventListener("htmx:sendError", () => toast("The service could not be reached. Try again.", "error"));
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) return; // session.js has its own words for it
  const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const said = $$(".empty :is(h1, h2), .empty > p:not(.small)", page).map((part) => part.textContent.trim()).filter(Boolean);
  toast(said.join(" ") || "The service could not finish the request. Try again.", "error");
});
