// The material field (components/material_field.html): a file dropped or picked, or pasted Base64, looked at at once.
// A wrong file is named, explained and not sent. Files are kept here, so that a refusal or another step loses none.
import { ascii, sha256 } from "./bytes.js";
import { $, element, icon, mount } from "./dom.js";
import { leastWrappedBytes, splitKeyWrapBlob } from "./key-wrap-blob.js";
import { shapeOf } from "./private-key.js";
import { bytesOf, sniff } from "./sniff.js";

const MOST_BYTES = 64 * 1024; // what a request may hold; far above any ciphertext
const fields = new WeakMap();

/** { isValid(), isEmpty(), take(file, [source: a sentence]), clear(), appendTo(formData), refuse(sentences), forgive(), focus() } of a field. */
export const materialOf = (field) => fields.get(field);

const grouped = (hex) => `${hex.slice(0, 16).replace(/(.{4})(?=.)/g, "$1 ")} … ${hex.slice(-8).replace(/(.{4})(?=.)/g, "$1 ")}`;

function start(field) {
  const { name, later, spec } = field.dataset;
  const wanted = {
    kind: field.dataset.material,
    bytes: Number(field.dataset.bytes) || 0,
    minBytes: Math.max(Number(field.dataset.minBytes) || 1, spec && field.dataset.material === "private-key-ciphertext" ? leastWrappedBytes(spec) : 0),
    maxBytes: Number(field.dataset.maxBytes) || MOST_BYTES,
    expected: field.dataset.expected ?? "",
    spec,
  };
  const area = $("textarea", field);
  const drop = $(".drop", field);
  const got = $("[data-material-got]", field);
  const empty = $("[data-material-empty]", field);
  const checks = $(".checks", field);
  const picker = $("input[type=file]", field);
  let file = null;
  let valid = false;
  let shown = null; // what was found last, and its digest
  let refused = false; // by the service, after the field itself had found nothing wrong
  let turn = 0; // a slow answer for an earlier value must not overwrite a later one

  const line = (kind, text) => element("li", kind ? { class: kind } : {}, icon({ no: "err", todo: "clock" }[kind] ?? "check"), element("span", {}, text));
  const changed = () => field.dispatchEvent(new CustomEvent("kms:checked", { bubbles: true }));

  function show(found, digest, source) {
    valid = !found.fault;
    shown = [found, digest, source];
    refused = false;
    drop.classList.toggle("full", valid);
    drop.classList.toggle("wrong", !valid);
    checks.replaceChildren(...(found.fault ? [line("no", found.fault)] : found.ticks.map((tick) => line("", tick))));
    if (valid && digest && !file) checks.append(line("", `SHA-256 ${grouped(digest)}`));
    if (valid && source) checks.append(line("", source));
    if (valid && later) checks.append(line("todo", later));
    if (valid) area.removeAttribute("aria-invalid");
    else area.setAttribute("aria-invalid", "true");
    changed();
  }

  function reset() {
    turn += 1;
    file = null;
    valid = false;
    shown = null;
    refused = false;
    drop.classList.remove("full", "wrong");
    checks.replaceChildren();
    area.removeAttribute("aria-invalid");
    got.hidden = true;
    empty.hidden = false;
    picker.value = "";
  }

  /** Both parts of an RSA_AES_KEY_WRAP in one piece go to their fields. False where it is none. */
  async function split(bytes, title) {
    const parts = spec && bytes && shapeOf(bytes) === "" ? splitKeyWrapBlob(bytes, spec) : null;
    if (!parts) return false;
    const [temporary, privateKey] = [field.dataset.temporary, field.dataset.privateKey].map((each) => $(`[data-material][data-name="${each}"]`, field.closest("form") ?? document));
    // with a temporary key there already, this is one part of two, even where it is longer than a private key should be
    if (field === privateKey && !materialOf(temporary).isEmpty()) return false;
    const last = bytes.length.toLocaleString("en");
    await materialOf(temporary).take(new File([parts.temporaryKey], `${title}, bytes 1 to 256`), "The first part of RSA_AES_KEY_WRAP in one piece; RSA-OAEP must have been used with SHA-256.");
    await materialOf(privateKey).take(new File([parts.privateKey], `${title}, bytes 257 to ${last}`), "The second part of RSA_AES_KEY_WRAP in one piece.");
    return true;
  }

  async function take(chosen, source = "") {
    reset();
    area.value = "";
    const mine = turn;
    const tooLarge = chosen.size > MOST_BYTES;
    const bytes = tooLarge ? new Uint8Array() : new Uint8Array(await chosen.arrayBuffer());
    if (mine !== turn || (!source && (await split(bytesOf(bytes, wanted), chosen.name)))) return;
    const found = tooLarge ? { fault: `${chosen.size.toLocaleString("en")} bytes is far more than a ciphertext has.` } : sniff(bytes, wanted);
    const digest = found.fault ? "" : await sha256(found.bytes);
    if (mine !== turn) return;
    // what was looked at is what is sent, even if the file on disk changes meanwhile
    file = found.fault ? null : new File([bytes], chosen.name, { type: "application/octet-stream" });
    $("[data-material-title]", got).textContent = chosen.name;
    const meta = $("[data-material-meta]", got);
    meta.replaceChildren(`${chosen.size.toLocaleString("en")} bytes`);
    if (digest) meta.append(" · SHA-256 ", element("span", { class: "mono", title: digest }, grouped(digest)));
    $("[data-material-remove]", got).setAttribute("aria-label", `Remove ${chosen.name}`);
    const hadFocus = empty.contains(document.activeElement);
    got.hidden = false;
    empty.hidden = true;
    if (hadFocus) $("[data-material-remove]", got).focus();
    show(found, digest, source);
    if (found.fault) bytes.fill(0);
  }

  async function read() {
    if (area.value.trim() === "") {
      reset();
      changed();
      return;
    }
    file = null;
    turn += 1;
    const mine = turn;
    const { length } = area.value;
    const tooLong = length > 2 * MOST_BYTES;
    if (!tooLong && (await split(bytesOf(ascii(area.value), { isPasted: true }), "Pasted text"))) return;
    const found = tooLong ? { fault: `${length.toLocaleString("en")} characters is far more than a ciphertext has.` } : sniff(ascii(area.value), { ...wanted, isPasted: true });
    const digest = found.fault ? "" : await sha256(found.bytes);
    if (mine === turn) show(found, digest);
  }

  function clear() {
    reset();
    area.value = "";
    changed();
  }

  function pick() {
    picker.value = "";
    picker.click();
  }

  area.addEventListener("input", read);
  picker.addEventListener("change", () => picker.files[0] && take(picker.files[0]));
  $("[data-material-pick]", field).addEventListener("click", pick);
  $("[data-material-remove]", field).addEventListener("click", () => {
    clear();
    area.focus();
  });
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const [chosen] = event.dataTransfer.files;
    if (chosen) take(chosen);
  });

  fields.set(field, {
    isValid: () => valid && !refused,
    isEmpty: () => file === null && area.value.trim() === "",
    take,
    clear,
    appendTo(data) {
      data.delete(`${name}_file`);
      if (!file) return;
      data.delete(name);
      data.append(`${name}_file`, file);
    },
    refuse(sentences) {
      refused = true;
      drop.classList.remove("full");
      drop.classList.add("wrong");
      area.setAttribute("aria-invalid", "true");
      checks.replaceChildren(...sentences.map((sentence) => line("no", sentence)));
    },
    forgive() {
      if (refused && shown) show(...shown);
      else if (refused) reset();
    },
    focus: () => (got.hidden ? area : $("[data-material-remove]", got)).focus(),
  });
  if (area.value) read();
}

// A file dropped beside the field must not replace the page, and with it the wizard.
for (const name of ["dragover", "drop"]) {
  document.addEventListener(name, (event) => {
    if ($("[data-material]") && !event.target.closest?.(".drop") && event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
}

mount("[data-material]", start);
