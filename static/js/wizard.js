// The import wizard (docs/develop/frontend.md): panels of one form, so that files chosen in one step are still there in
// the next and after a refusal. It carries the download, keeps in contact while it is open, asks before it throws the
// import token away, and revokes it.
import { fromBase64, ascii, save } from "./bytes.js";
import { useWrappingKey } from "./browser-wrap.js";
import { $, $$, announce, element, icon, mount } from "./dom.js";
import "./expiry.js";
import { showFault } from "./keyform.js";
import { materialOf } from "./material-field.js";
import { countDown, localTime, now } from "./times.js";
import { stayInContact } from "./wizard-contact.js";
import { ask } from "./wizard-request.js";

function wizard(form) {
  const scope = form.closest(".wizard") ?? form.closest("dialog") ?? form;
  const dialog = form.closest("dialog");
  const panels = $$("[data-step]", form);
  const steps = $$(".stepper li", scope);
  const next = $("[data-wizard-next]", form);
  const previous = $("[data-wizard-previous]", form);
  const note = $("[data-wizard-note]", form);
  const existing = $("[data-wizard-existing]", form);
  const errors = $("[data-errors]", form);
  const numbers = panels.map((panel) => Number(panel.dataset.step));
  const first = Number(form.dataset.first ?? numbers[0]);
  let current = Number(form.dataset.current ?? numbers[0]);
  let holdsToken = form.hasAttribute("data-holds-token");
  // When the offer ends by itself, unless the service hears of this page again.
  let endsAt = Date.parse(form.dataset.endsAt);
  let signedOut = { strip: null, stands: true };
  let finished = false;
  const failed = new Set();

  const panelOf = (number) => panels.find((panel) => Number(panel.dataset.step) === number);
  const isLast = () => current === numbers.at(-1);
  const isOn = (element_) => !element_.closest("[data-off]");

  // --- what is shown ---

  function permitNext() {
    const panel = panelOf(current);
    const filled = $$("[data-material]", panel).filter(isOn).every((field) => {
      const material = materialOf(field);
      return material.isValid() || (material.isEmpty() && !field.hasAttribute("data-required"));
    });
    // material fields have a rule of their own; what is required of the rest is native validity
    const valid = $$("input, select, textarea", panel).every((input) => input.closest("[data-material], [data-wrap]") || !input.willValidate || input.validity.valid);
    next.disabled = !(filled && valid);
  }

  function showSteps() {
    steps.forEach((item, index) => {
      const number = index + 1;
      const done = number < current;
      item.classList.toggle("failed", failed.has(number));
      item.classList.toggle("done", done && !failed.has(number));
      item.classList.toggle("current", number === current);
      if (number === current) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
      $("[data-step-state]", item).textContent = failed.has(number) ? "Failed: " : done ? "Done: " : "";
    });
  }

  function showNote() {
    if (note) note.textContent = holdsToken ? "Closing now makes the import token invalid." : panelOf(current).dataset.note ?? "";
  }

  function showStep(number, { focus = true } = {}) {
    current = number;
    panels.forEach((panel) => { panel.hidden = panel !== panelOf(number); });
    const panel = panelOf(number);
    showSteps();
    previous.hidden = number <= first || !numbers.includes(number - 1);
    if (existing) existing.hidden = !panel.hasAttribute("data-download");
    const label = panel.dataset.nextLabel ?? (isLast() ? "OK" : "Next");
    next.replaceChildren(...(label.startsWith("Download") ? [icon("download")] : []), label);
    showNote();
    permitNext();
    if (!focus) return;
    const heading = $("h2", panel);
    heading?.setAttribute("tabindex", "-1");
    heading?.focus();
    announce(`Step ${number}: ${heading?.textContent ?? ""}`);
  }

  /** Which way the person goes on: with a wrapping key to be downloaded, or with material and token from the API. */
  function goBy(way) {
    const input = $("input[name=way]", form);
    if (!input) return;
    input.value = way;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function strip(faults, link) {
    const lines = faults.map(({ code, message, hint }) => {
      const line = element("p", {});
      if (code) line.append(element("strong", {}, `${code} `));
      line.append([message, hint].filter(Boolean).join(" "));
      return line;
    });
    if (link) lines.at(-1)?.append(" ", link);
    const box = element("div", { class: "strip bad", role: "alert", tabindex: "-1" }, icon("err"), element("div", {}, ...lines));
    errors.replaceChildren(box);
    return box;
  }

  function clearFaults() {
    errors.replaceChildren();
    failed.clear();
    $$("[aria-invalid=true]", form).filter((input) => !input.closest("[data-material]")).forEach((input) => showFault(input, ""));
  }

  function refuse({ step, errors: faults = [] }) {
    const number = numbers.includes(Number(step)) ? Number(step) : current;
    failed.add(number);
    showStep(number, { focus: false });
    const box = strip(faults);
    let target = null;
    for (const { field, message, hint } of faults.filter((fault) => fault.field)) {
      const material = $(`[data-material][data-name="${CSS.escape(field)}"]`, form);
      const input = $(`[name="${CSS.escape(field)}"]:not([type=hidden]), [data-epoch="${CSS.escape(field)}"]`, form);
      if (material) materialOf(material).refuse([[message, hint].filter(Boolean).join(" ")]);
      else if (input) showFault(input, [message, hint].filter(Boolean).join(" "));
      const shown = (material ?? input)?.checkVisibility();
      target ??= !shown ? null : material ? () => materialOf(material).focus() : () => input.focus();
    }
    (target ?? (() => box.focus()))();
  }

  /** The offer has ended without this page: says why, and leads back to the download. */
  function showEnded(faults) {
    const step = Number($("[data-step][data-download]", form)?.dataset.step ?? current);
    holdsToken = false;
    failed.add(step);
    showSteps();
    showNote();
    fill({ expires_at: new Date(now()).toISOString() });
    const back = element("button", { class: "linkbtn", type: "button" }, "Download again");
    back.addEventListener("click", () => {
      clearFaults();
      showStep(step);
    });
    strip(faults, back);
  }

  /** Said once: a page that nobody looks at must not say it every two minutes. */
  function showSignedOut(address) {
    const stands = endsAt > now();
    if (signedOut.strip?.isConnected && signedOut.stands === stands) return;
    const hint = stands
      ? `Log in and come back to this tab: the wrapping key and its import token are kept until ${localTime(new Date(endsAt))}.`
      : "The wrapping key and its import token have ended too, after 30 minutes without contact. Log in, come back to this tab, download again and wrap the material with the new wrapping key.";
    const link = element("a", { href: address, target: "_blank", rel: "noopener" }, "Log In in a new tab");
    signedOut = { stands, strip: strip([{ message: "Your session has ended. Your files are kept.", hint }], link) };
  }

  // --- what is sent ---

  /** The service's answer, or null after its refusal has been shown. */
  async function request(url, makeBody) {
    const answer = await ask(form, url, makeBody);
    if (answer.ok) return answer.ok;
    if (answer.refused) {
      refuse(answer.refused);
    } else if (answer.signin) {
      const link = element("a", { href: answer.signin, target: "_blank", rel: "noopener" }, "Log In in a new tab");
      const hint = "Log in, come back to this tab and choose the button again.";
      strip([{ message: "Your session has ended. Your files are kept.", hint }], link).focus();
    } else if (answer.unreachable) {
      strip([{ message: "The service could not be reached, or its answer was lost. Your files are kept.", hint: "Try again." }]).focus();
    } else {
      const hint = answer.broken ? `Try again, or tell your administrator the request ID ${answer.broken}.` : "Try again.";
      strip([{ message: "The service could not finish the request. Your files are kept.", hint }]).focus();
    }
    return null;
  }

  /** The CSRF token and whatever else is hidden in the form, with the named fields of one panel. */
  function smallBody(panel) {
    const body = new FormData();
    const inputs = $$("input[type=hidden]", form).concat(panel ? $$("select, input:checked", panel) : []);
    inputs.filter((input) => input.name && !input.disabled).forEach((input) => body.set(input.name, input.value));
    return body;
  }

  function fill(values) {
    for (const part of $$("[data-fill]", scope)) {
      const value = values[part.dataset.fill];
      if (value === undefined) continue;
      if (part.matches("input")) part.value = value;
      else if (part.hasAttribute("data-until")) {
        part.dataset.until = value;
        countDown(part);
      } else if (part.matches("time")) {
        part.setAttribute("datetime", value);
        part.textContent = localTime(new Date(value));
      } else part.textContent = value;
    }
  }

  async function download() {
    goBy("download");
    const answer = await request(form.dataset.downloadUrl, () => smallBody(panelOf(current)));
    if (!answer) return;
    const der = fromBase64(ascii(answer.wrapping_key));
    holdsToken = true;
    endsAt = Date.parse(answer.ends_at);
    useWrappingKey(form, der);
    form.dispatchEvent(new CustomEvent("kms:wrapping-key"));
    fill(answer);
    save(der, answer.file_name);
    showStep(current + 1);
  }

  /** Tells the service that the page is still there, and the person if its offer is not. Lost contacts are not told. */
  async function contact() {
    const isBusy = () => next.getAttribute("aria-busy") === "true"; // what it waits for will tell more
    const offer = $("[name=offer_id]", form)?.value;
    if (isBusy()) return;
    const answer = await ask(form, form.dataset.contactUrl, smallBody);
    if (isBusy() || !holdsToken || finished || $("[name=offer_id]", form)?.value !== offer) return;
    if (answer.ok) {
      endsAt = Date.parse(answer.ok.ends_at);
      if (signedOut.strip?.isConnected) clearFaults();
    } else if (answer.refused) showEnded([...answer.refused.errors, { message: "Your files are kept." }]);
    else if (answer.signin) showSignedOut(answer.signin);
  }

  function wholeBody() {
    const body = new FormData(form);
    for (const field of $$("[data-material]", form)) {
      if (isOn(field)) materialOf(field).appendTo(body);
      else body.delete(`${field.dataset.name}_file`);
    }
    return body;
  }

  async function check() {
    if (await request(form.dataset.checkUrl, wholeBody)) showStep(current + 1);
  }

  async function submit() {
    const answer = await request(form.getAttribute("action"), wholeBody);
    if (!answer) return;
    finished = true;
    location.assign(answer.redirect);
  }

  async function goOn() {
    if (finished || next.disabled || next.getAttribute("aria-busy") === "true") return;
    next.setAttribute("aria-busy", "true");
    clearFaults();
    showSteps();
    try {
      if (panelOf(current).hasAttribute("data-download")) await download();
      else if (isLast()) await submit();
      else if (panelOf(current).hasAttribute("data-check")) await check();
      else showStep(current + 1);
    } finally {
      if (!finished) next.removeAttribute("aria-busy");
    }
  }

  // --- leaving ---

  function revoke() {
    if (!holdsToken || finished) return;
    holdsToken = false;
    navigator.sendBeacon(form.dataset.revokeUrl, smallBody());
  }

  function leave() {
    revoke();
    finished = true;
    if (dialog && !form.dataset.exitUrl) dialog.close();
    else location.assign(form.dataset.exitUrl);
  }

  function askToLeave(event) {
    event.preventDefault();
    event.stopPropagation();
    if (!holdsToken || finished) {
      leave();
      return;
    }
    const question = $("#leave-wizard");
    if (question.open) return;
    question.showModal();
    $("[data-leave-go]", question).onclick = () => {
      question.close();
      leave();
    };
    $("[data-leave-stay]", question).onclick = () => question.close();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    goOn();
  });
  previous.addEventListener("click", () => {
    clearFaults();
    showStep(current - 1);
  });
  for (const name of ["input", "change", "kms:checked"]) form.addEventListener(name, permitNext);
  existing?.addEventListener("click", (event) => {
    event.preventDefault();
    clearFaults();
    revoke(); // no way leads back to it
    goBy("existing");
    showStep(current + 1);
  });
  $("[data-wizard-cancel]", form)?.addEventListener("click", askToLeave);
  form.addEventListener("kms:expired", () => {
    if (!holdsToken || finished) return;
    showEnded([{ message: "The wrapping key and its import token have expired. Your files are kept.", hint: "Download a new wrapping key and wrap the material with it." }]);
  });
  if (dialog) {
    dialog.addEventListener("cancel", (event) => event.target === dialog && askToLeave(event));
    // a browser lets only the first Esc be held back from closing a dialog, so the key itself is
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented && !$(":popover-open")) askToLeave(event);
    });
    dialog.addEventListener("click", (event) => event.target.closest("[data-close]") && askToLeave(event), true);
    dialog.addEventListener("close", (event) => event.target === dialog && revoke());
  } else {
    addEventListener("keydown", (event) => {
      // Esc closes a menu or a dialog first; only on the bare page does it mean the wizard
      if (event.key === "Escape" && holdsToken && !event.defaultPrevented && !$("dialog[open], :popover-open")) askToLeave(event);
    });
  }
  addEventListener("beforeunload", (event) => {
    if (holdsToken && !finished && form.isConnected) event.preventDefault();
  });
  addEventListener("pagehide", () => form.isConnected && revoke());
  // the page may come back from the browser's memory with a token that has been revoked
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  if (form.dataset.wrappingKey) useWrappingKey(form, fromBase64(ascii(form.dataset.wrappingKey)));
  // the page of a key that the step before has just made; a dialog has its focus already
  showStep(current, { focus: !dialog && first > 1 && current === first });
  stayInContact(() => holdsToken && !finished && form.isConnected, contact);
}

mount("form[data-wizard]", wizard);
