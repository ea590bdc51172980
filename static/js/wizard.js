// The import wizard (docs/develop/frontend.md): panels of one form, so that files chosen in one step are still there in
// the next and after a refusal. It saves the wrapping key, asks before it is closed, and revokes the import token then.
import { fromBase64, ascii, save } from "./bytes.js";
import { useWrappingKey } from "./browser-wrap.js";
import { replaceAddress } from "./dialog-address.js";
import { $, $$, announce, element, icon, mount } from "./dom.js";
import "./expiry.js";
import { showFault } from "./keyform.js";
import { materialOf } from "./material-field.js";
import { countDown, localTime, now } from "./times.js";
import { ask } from "./wizard-request.js";

const EXPIRED = "KMS.2601";
// Set while a page revokes its wrapping key on its way out: the page that loads at the same time was rendered before.
const LEFT = "revoked-wrapping-key";

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
  let wrappingKeyName = form.dataset.wrappingKeyName ?? "The wrapping key";
  let finished = false;
  let isGuarded = false; // whether Back stays in this page
  const failed = new Set();

  const panelOf = (number) => panels.find((panel) => Number(panel.dataset.step) === number);
  const isLast = () => current === numbers.at(-1);
  const isOn = (element_) => !element_.closest("[data-off]");
  const offerId = () => $("input[name=offer_id]", form)?.value ?? "";
  const mustAsk = () => holdsToken && !finished && form.isConnected;
  const materials = () => $$("[data-material]", form).map(materialOf);

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
    const panel = panelOf(number);
    panels.forEach((each) => { each.hidden = each !== panel; });
    if (panel.hasAttribute("data-download")) goBy("download");
    showSteps();
    previous.hidden = number <= first || !numbers.includes(number - 1);
    if (existing) existing.hidden = !panel.hasAttribute("data-download");
    const label = panel.dataset.nextLabel ?? (isLast() ? "OK" : "Next");
    next.replaceChildren(...(label.startsWith("Download") ? [icon("download")] : []), label);
    showNote();
    permitNext();
    showAddress();
    if (!focus) return;
    const heading = $("h2", panel);
    heading?.setAttribute("tabindex", "-1");
    heading?.focus({ preventScroll: true });
    (dialog ? $(".body", dialog) : document.documentElement).scrollTo({ top: 0, behavior: "instant" });
    announce(`Step ${number}: ${heading?.textContent ?? ""}`);
  }

  /** The address at which this page would load again at this step: with a wrapping key that is valid, or on which path. */
  function showAddress() {
    if (finished || !form.dataset.address) return;
    const address = new URL(form.dataset.address, location.href);
    if (holdsToken) address.searchParams.set("offer", offerId());
    else if (current > first && $("input[name=way]", form)?.value === "existing") address.searchParams.set("path", "existing");
    if (dialog) replaceAddress(address.href);
    else if (holdsToken && !isGuarded) {
      isGuarded = true;
      history.pushState({ wizard: true }, "", address.href);
    } else history.replaceState(history.state, "", address.href);
  }

  /** Which way the person goes on: with a wrapping key to be downloaded, or with material and token from the API. */
  function goBy(way) {
    const input = $("input[name=way]", form);
    if (!input) return;
    input.value = way;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    $$("[data-path]", scope).forEach((part) => { part.hidden = part.dataset.path !== way; });
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
    const isOver = holdsToken && faults.some(({ code }) => code === EXPIRED);
    if (isOver) endToken();
    failed.add(number);
    showStep(number, { focus: false });
    const box = strip(isOver ? [...faults, { message: "Your files are kept." }] : faults);
    let target = null;
    for (const { field, message, hint } of faults.filter((fault) => fault.field)) {
      const material = $(`[data-material][data-name="${CSS.escape(field)}"]`, form);
      const input = $(`[name="${CSS.escape(field)}"]:not([type=hidden]), [data-epoch="${CSS.escape(field)}"]`, form);
      if (material) materialOf(material).refuse([[message, hint].filter(Boolean).join(" ")]);
      else if (input) showFault(input, [message, hint].filter(Boolean).join(" "));
      const shown = (material ?? input)?.checkVisibility();
      target ??= !shown ? null : material ? () => materialOf(material).focus() : () => input.focus();
    }
    permitNext();
    (target ?? (() => box.focus()))();
  }

  function endToken() {
    holdsToken = false;
    fill({ expires_at: new Date(now()).toISOString(), fingerprint: "--" });
  }

  /** The wrapping key has ended without this page: says which one and why, and leads back to the download. */
  function showEnded(reason, hint, { isThere = false } = {}) {
    const step = Number($("[data-step][data-download]", form)?.dataset.step ?? current);
    endToken();
    failed.add(step);
    showSteps();
    showNote();
    showAddress();
    const back = element("button", { class: "linkbtn", type: "button" }, "Download again");
    back.addEventListener("click", () => {
      clearFaults();
      showStep(step);
    });
    strip([{ code: EXPIRED, message: "Token expired.", hint: `${wrappingKeyName} ${reason}. ${hint}` }], isThere ? null : back);
  }

  // --- what is sent ---

  /** The service's answer, or null after its refusal has been shown. */
  async function request(url, makeBody) {
    const answer = await ask(url, makeBody);
    if (answer.ok) return answer.ok;
    if (answer.signedOut) return null;
    if (answer.refused) {
      refuse(answer.refused);
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
    wrappingKeyName = answer.wrapping_key_name;
    useWrappingKey(form, der);
    form.dispatchEvent(new CustomEvent("kms:wrapping-key"));
    fill(answer);
    save(der, answer.file_name);
    showStep(current + 1);
    others?.postMessage({ key: form.dataset.keyId, offer: answer.offer_id });
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
    location.replace(answer.redirect); // the wizard of an imported key is nothing to come back to
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
    const body = smallBody();
    holdsToken = false;
    // neither waits for a response, and both outlive the page
    if (!navigator.sendBeacon(form.dataset.revokeUrl, body)) {
      fetch(form.dataset.revokeUrl, { method: "POST", body, keepalive: true, credentials: "same-origin" }).catch(() => {});
    }
  }

  function leave(go) {
    revoke();
    finished = true;
    if (go) go();
    else if (dialog && !$("input[name=flow]", form)) dialog.close();
    else location.replace(form.dataset.exitUrl); // the list, which has a new key
  }

  /** Asks, if the import token would become invalid, and goes where the person wanted; without `go` the wizard closes. */
  function askToLeave(event, go) {
    event.preventDefault();
    event.stopPropagation();
    if (!mustAsk()) {
      leave(go);
      return;
    }
    const question = $("#leave-wizard");
    if (question.open) return;
    question.showModal();
    $("[data-leave-go]", question).onclick = () => {
      question.close();
      leave(go);
    };
    $("[data-leave-stay]", question).onclick = () => question.close();
  }

  const leadsAway = (link) => !link.target && !link.hasAttribute("download") && !link.closest("dialog")
    && link.href.split("#")[0] !== location.href.split("#")[0];

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    goOn();
  });
  previous.addEventListener("click", () => {
    clearFaults();
    showStep(current - 1);
  });
  // the service judged the files together: with another one chosen, none is known to be wrong
  form.addEventListener("kms:checked", (event) => {
    if (event.target.matches("[data-material]")) materials().filter((each) => each !== materialOf(event.target)).forEach((each) => each.forgive());
  });
  for (const name of ["input", "change", "kms:checked"]) form.addEventListener(name, permitNext);
  existing?.addEventListener("click", (event) => {
    event.preventDefault();
    clearFaults();
    revoke(); // nothing leads back to it
    goBy("existing");
    showStep(current + 1);
  });
  $("[data-wizard-cancel]", form)?.addEventListener("click", (event) => askToLeave(event));
  form.addEventListener("kms:expired", () => {
    if (mustAsk()) showEnded("is older than 24 hours", "Your files are kept. Download a new wrapping key and wrap the material with it.");
  });
  if (dialog) {
    dialog.addEventListener("cancel", (event) => event.target === dialog && askToLeave(event));
    // a browser lets only the first Esc be held back from closing a dialog, so the key itself is
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented && !$(":popover-open")) askToLeave(event);
    });
    dialog.addEventListener("click", (event) => event.target.closest("[data-close]") && askToLeave(event), true);
    dialog.addEventListener("close", (event) => {
      if (event.target !== dialog) return;
      revoke();
      others?.close();
    });
    dialog.addEventListener("kms:back", (event) => mustAsk() && askToLeave(event));
  } else {
    addEventListener("keydown", (event) => {
      // Esc closes a menu or a dialog first; only on the bare page does it mean the wizard
      if (event.key === "Escape" && mustAsk() && !event.defaultPrevented && !$("dialog[open], :popover-open")) askToLeave(event);
    });
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[href]");
      const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
      if (!link || !isPlain || event.defaultPrevented || !mustAsk() || !leadsAway(link)) return;
      askToLeave(event, () => location.assign(link.href));
    });
    // capture, and on the window: before the form is marked as sent
    addEventListener("submit", (event) => {
      const { target, submitter } = event;
      if (target === form || target.closest("dialog") || !mustAsk()) return;
      event.stopImmediatePropagation();
      askToLeave(event, () => target.requestSubmit(submitter));
    }, true);
    addEventListener("popstate", (event) => {
      if (mustAsk()) {
        history.pushState({ wizard: true }, "", location.href);
        showAddress();
        askToLeave(event);
      } else if (isGuarded && !finished) {
        isGuarded = false;
        showStep(first);
      }
    });
  }
  addEventListener("beforeunload", (event) => {
    if (mustAsk()) event.preventDefault();
  });
  addEventListener("pagehide", () => {
    if (!mustAsk()) return;
    try {
      sessionStorage.setItem(LEFT, offerId());
    } catch {
      // storage may be blocked; the service still knows why the wrapping key ended
    }
    revoke();
  });
  // the page may come back from the browser's memory with a token that has been revoked
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  // another tab of this browser that downloads for the same key ends the wrapping key of this one
  const others = "BroadcastChannel" in window ? new BroadcastChannel("kms-import") : null;
  others?.addEventListener("message", ({ data }) => {
    if (!mustAsk() || data.key !== form.dataset.keyId || data.offer === offerId()) return;
    showEnded("was replaced by a newer one, downloaded in another window", "Your files are kept. Go on there, or download again here.");
  });

  /** Whether the page that was here before, in this tab, has revoked this wrapping key on its way out. */
  function wasLeft() {
    try {
      return holdsToken && sessionStorage.getItem(LEFT) === offerId();
    } catch {
      return false;
    }
  }

  if (wasLeft()) {
    revoke(); // again: the first one may have been lost
    current = first;
    showStep(first, { focus: false });
    showEnded("ended when its page was reloaded or left", "Download the import items again and wrap the material with the new wrapping key.", { isThere: true });
    return;
  }
  if (form.dataset.wrappingKey) useWrappingKey(form, fromBase64(ascii(form.dataset.wrappingKey)));
  // the page of a key that the step before has just made; a dialog has its focus already
  showStep(current, { focus: !dialog && first > 1 && current === first });
}

mount("form[data-wizard]", wizard);
