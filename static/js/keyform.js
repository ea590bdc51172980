// Creating a key: the alias is checked while it is typed, the usage follows the algorithm.
import { $, afterClick, element, icon, mount } from "./dom.js";
import { request } from "./session.js";

/** What is wrong with an alias, or "". The server says the same (console.md B3). */
function aliasFault(alias) {
  if (alias === "") return "Enter an alias.";
  if (!/^[A-Za-z0-9_:/-]+$/.test(alias)) return "Only digits, letters, underscores (_), hyphens (-), colons (:), and slashes (/) are allowed.";
  if (alias.endsWith("/default")) return "The alias cannot end with /default.";
  return "";
}

/** Puts a message under a field, or takes it away, as templates/django/forms/field.html would. */
export function showFault(input, message) {
  const field = input.closest(".field");
  const id = `${input.id}_error`;
  document.getElementById(id)?.remove();
  const described = (input.getAttribute("aria-describedby") ?? "").split(/\s+/).filter((name) => name && name !== id);
  if (message) {
    field.append(element("p", { class: "err", id }, icon("err"), element("span", {}, message)));
    described.push(id);
    input.setAttribute("aria-invalid", "true");
  } else {
    input.removeAttribute("aria-invalid");
  }
  if (described.length > 0) input.setAttribute("aria-describedby", described.join(" "));
  else input.removeAttribute("aria-describedby");
}

// What the service says of an alias, in a live check or in a refusal, holds as long as that alias stands in the field.
function alias(input) {
  const check = $("[data-alias-check]", input.form)?.dataset.aliasCheck;
  const answers = new Map();
  const shown = document.getElementById(`${input.id}_error`);
  if (shown) answers.set(input.value, shown.textContent.trim());
  let timer;

  const fault = () => aliasFault(input.value) || answers.get(input.value) || "";
  const judge = () => {
    input.setCustomValidity(fault());
    input.dispatchEvent(new CustomEvent("kms:checked", { bubbles: true }));
  };
  const show = () => afterClick(() => input.isConnected && showFault(input, fault()));
  const ask = async () => {
    const asked = input.value;
    if (!check || aliasFault(asked) || answers.has(asked)) return;
    const address = new URL(check, location.href);
    address.searchParams.set("alias", asked);
    const answer = await request(address);
    const said = answer?.ok ? await answer.json().catch(() => null) : null;
    if (!said) return; // the service judges again when the form is sent
    answers.set(asked, said.fault);
    judge();
    show();
  };

  input.addEventListener("input", () => {
    judge();
    clearTimeout(timer);
    if (!fault()) show();
    timer = setTimeout(() => {
      show();
      ask();
    }, 300);
  });
  input.addEventListener("blur", show);
  judge();
}

// <select data-usage-for="#id_key_usage">, each option with data-usages='["SIGN_VERIFY","ENCRYPT_DECRYPT"]', default first.
// One usage locks the select; a hidden twin sends its value, because a disabled field sends nothing.
function usage(algorithm) {
  const select = $(algorithm.dataset.usageFor);
  if (!select) return;
  const labels = new Map([...select.options].map((option) => [option.value, option.textContent]));
  const twin = element("input", { type: "hidden", name: select.name });
  const set = (keep) => {
    const usages = JSON.parse(algorithm.selectedOptions[0]?.dataset.usages ?? "[]");
    const wanted = keep && usages.includes(select.value) ? select.value : usages[0];
    select.replaceChildren(...usages.map((value) => new Option(labels.get(value) ?? value, value, false, value === wanted)));
    select.disabled = usages.length === 1;
    twin.value = wanted ?? "";
    if (select.disabled) select.after(twin);
    else twin.remove();
    const hint = $(`#${CSS.escape(select.id)}_helptext`);
    if (hint) hint.textContent = select.disabled ? `Fixed for ${algorithm.value}; it cannot be changed later.` : "It cannot be changed later.";
  };
  algorithm.addEventListener("change", () => set(false));
  set(true);
}

mount("input[data-alias]", alias);
mount("select[data-usage-for]", usage);
