// When material expires: a date and time in the reader's zone becomes the seconds the service is told.
// <input type="datetime-local" data-epoch="expiration_time" data-hours="24">; buttons data-set-hours="720" beside it.
import { $, $$, element, mount } from "./dom.js";
import { day, left, localTime, now } from "./times.js";

const HOUR = 3600000;
const typed = (milliseconds) => {
  const date = new Date(milliseconds);
  return `${day(date)}T${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
};

function expiry(input) {
  const field = input.closest(".field") ?? input.parentElement;
  const hint = $("[data-epoch-hint]", field);
  const seconds = element("input", { type: "hidden", name: input.dataset.epoch });
  input.after(seconds);
  input.max = "9999-12-31T23:59"; // without it browsers let one type years of six digits
  let isChosen = input.value !== "";
  let wasOff = false;
  const propose = () => { input.value = typed(now() + Number(input.dataset.hours) * HOUR); };
  const set = () => {
    // a proposal counts from the moment at which one asks for it, not from when the page was opened
    if (wasOff && !input.disabled && !isChosen && input.dataset.hours) propose();
    wasOff = input.disabled;
    const at = Date.parse(input.value);
    const past = Number.isNaN(at) || at <= now();
    seconds.value = Number.isNaN(at) ? "" : Math.trunc(at / 1000);
    seconds.disabled = input.disabled;
    input.setCustomValidity(past ? "Choose a time in the future." : "");
    if (hint) hint.textContent = past ? "Choose a time in the future." : `In ${left(at - now())}: ${localTime(new Date(at))}, ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`;
    $$("[data-set-hours]", field).forEach((button) => {
      button.setAttribute("aria-pressed", String(input.value === typed(now() + Number(button.dataset.setHours) * HOUR)));
    });
    input.dispatchEvent(new CustomEvent("kms:checked", { bubbles: true }));
  };
  if (!input.value && input.dataset.hours) propose();
  input.addEventListener("input", () => {
    isChosen = true;
    set();
  });
  input.form.addEventListener("change", () => setTimeout(set));
  field.addEventListener("click", (event) => {
    const button = event.target.closest("[data-set-hours]");
    if (!button) return;
    isChosen = true;
    input.value = typed(now() + Number(button.dataset.setHours) * HOUR);
    set();
  });
  set();
}

mount("input[data-epoch]", expiry);
