// Wrapping in this browser (components/browser_wrap.html): the plaintext is read here, wrapped here and overwritten here;
// only ciphertexts are handed to the material fields.
import { save, sha256 } from "./bytes.js";
import { $, $$, announce, element, icon, mount } from "./dom.js";
import { materialOf } from "./material-field.js";
import { KeyFault, isAsymmetric } from "./pkcs8.js";
import { canWrap, MATERIAL_BYTES, randomMaterial, WHY_NOT, wrapKeyFile, wrapMaterial } from "./wrap.js";

const MOST_BYTES = 64 * 1024;
const wrappingKeys = new WeakMap();

/** The wizard tells which wrapping key a form's files are to be wrapped with (DER). */
export const useWrappingKey = (form, der) => wrappingKeys.set(form, der);

const short = (hex) => `${hex.slice(0, 4)}…${hex.slice(-4)}`;

function start(box) {
  const form = box.closest("form");
  const { spec } = box.dataset;
  if (!canWrap()) {
    box.replaceChildren(element("div", { class: "strip warn" }, icon("warn"), element("div", {}, element("p", {}, WHY_NOT))));
    return;
  }
  const picker = $("input[type=file]", box);
  const drop = $(".drop", box);
  const checks = $(".checks", box);
  const results = $("[data-wrap-results]", box);
  let made = [];

  const say = (kind, ...sentences) => checks.replaceChildren(
    ...sentences.map((text) => element("li", kind ? { class: kind } : {}, icon(kind === "no" ? "err" : "check"), element("span", {}, text))),
  );
  const fieldOf = (name) => $(`[data-material][data-name="${name}"]`, form);
  const targets = isAsymmetric(spec) ? [box.dataset.temporary, box.dataset.privateKey] : [box.dataset.materialField];

  function forget() {
    made = [];
    results.hidden = true;
    $("[data-wrap-got]", box).hidden = true;
    $("[data-wrap-empty]", box).hidden = false;
    drop.classList.remove("full", "wrong");
    checks.replaceChildren();
    picker.value = "";
    targets.forEach((name) => materialOf(fieldOf(name))?.clear());
  }

  async function finish(ciphertexts, title, meta, ...ticks) {
    made = ciphertexts;
    const rows = [];
    for (const [index, { bytes, fileName }] of ciphertexts.entries()) {
      const field = fieldOf(targets[index]);
      await materialOf(field).take(new File([bytes], fileName));
      const label = field.dataset.label ?? $("label", field).textContent.replace("*", "").trim();
      rows.push(element("tr", {},
        element("th", { scope: "row" }, label),
        element("td", { class: "nowrap" }, `${bytes.length.toLocaleString("en")} bytes`),
        element("td", { class: "mono small when-wide" }, short(await sha256(bytes)))));
    }
    $("tbody", results).replaceChildren(...rows);
    results.hidden = false;
    drop.classList.remove("wrong");
    drop.classList.add("full");
    $("[data-wrap-title]", box).textContent = title;
    $("[data-wrap-meta]", box).textContent = meta;
    $("[data-wrap-got]", box).hidden = false;
    $("[data-wrap-empty]", box).hidden = true;
    say("", ...ticks);
    announce("Wrapped");
  }

  async function fromFile(file) {
    if (file.size > MOST_BYTES) throw new KeyFault(`${file.size.toLocaleString("en")} bytes is far more than a key has.`);
    const key = wrappingKeys.get(form);
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (isAsymmetric(spec)) {
      const { temporaryKey, privateKey, words, length } = await wrapKeyFile(key, bytes, spec);
      await finish(
        [{ bytes: temporaryKey, fileName: "EncryptedKeyMaterial.bin" }, { bytes: privateKey, fileName: `out_${spec.split("_")[0].toLowerCase()}_private_key.der` }],
        file.name, `${length.toLocaleString("en")} bytes · ${words} · read in this page only`,
        "PKCS#8, not encrypted.", `${words}, as ${spec} needs.`,
      );
      return;
    }
    if (bytes.length !== MATERIAL_BYTES) {
      const { length } = bytes;
      bytes.fill(0);
      throw new KeyFault(`${length.toLocaleString("en")} bytes; expected ${MATERIAL_BYTES}.${length === 2 * MATERIAL_BYTES ? " This looks like hex text: give the bytes themselves." : ""}`);
    }
    await finish([{ bytes: await wrapMaterial(key, bytes), fileName: "EncryptedKeyMaterial.bin" }],
      file.name, `${MATERIAL_BYTES} bytes · read in this page only`, "32 bytes, wrapped with RSA-OAEP and SHA-256.");
  }

  async function fromRandom() {
    const material = randomMaterial();
    // the only copy there will ever be outside the service: the same material may be needed to import again
    if ($("[data-wrap-keep]", box)?.checked) save(material.slice(), "PlaintextKeyMaterial.bin");
    await finish([{ bytes: await wrapMaterial(wrappingKeys.get(form), material), fileName: "EncryptedKeyMaterial.bin" }],
      "32 random bytes", "made by this browser, read in this page only", "32 bytes, wrapped with RSA-OAEP and SHA-256.");
  }

  async function attempt(work) {
    forget();
    if (!wrappingKeys.has(form)) {
      say("no", "There is no wrapping key yet. Go back and download one.");
      return;
    }
    drop.setAttribute("aria-busy", "true");
    try {
      await work();
    } catch (fault) {
      drop.classList.add("wrong");
      // any other error would be WebCrypto's, and its text helps nobody
      say("no", fault instanceof KeyFault ? fault.message : "The file could not be wrapped. The wrapping key or the file is damaged.");
    } finally {
      drop.removeAttribute("aria-busy");
    }
  }

  const take = (file) => attempt(() => fromFile(file));
  picker.addEventListener("change", () => picker.files[0] && take(picker.files[0]));
  $$("[data-wrap-pick]", box).forEach((button) => button.addEventListener("click", () => { picker.value = ""; picker.click(); }));
  $("[data-wrap-random]", box)?.addEventListener("click", () => attempt(fromRandom));
  $("[data-wrap-forget]", box).addEventListener("click", () => {
    forget();
    $("[data-wrap-pick]", box).focus();
  });
  $("[data-wrap-save]", box).addEventListener("click", () => made.forEach(({ bytes, fileName }) => save(bytes, fileName)));
  drop.addEventListener("dragover", (event) => event.preventDefault());
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
  // a new wrapping key makes what was wrapped with the old one useless
  form.addEventListener("kms:wrapping-key", () => made.length > 0 && forget());
}

mount("[data-wrap]", start);
