// Wrapping in this browser (components/browser_wrap.html): the plaintext is read here, wrapped here and overwritten here;
// only ciphertexts are handed to the material fields.
import { save, sha256 } from "./bytes.js";
import { checkValueOfAes } from "./check-value.js";
import { $, $$, announce, element, icon, mount } from "./dom.js";
import { KeyFileRefused, PassphraseRequired } from "./key-file.js";
import { materialOf } from "./material-field.js";
import { canWrap, isAsymmetric, randomMaterial, WHY_NOT, wrapKeyFile, wrapMaterial } from "./wrap.js";

const MOST_BYTES = 64 * 1024;
const wrappingKeys = new WeakMap();

/** The wizard tells which wrapping key a form's files are to be wrapped with (DER). */
export const useWrappingKey = (form, der) => wrappingKeys.set(form, der);

/** As the commands of the page name them. */
const fileNames = (spec) => ["EncryptedKeyMaterial.bin", `out_${spec.split("_")[0].toLowerCase()}_private_key.der`];
const short = (hex) => `${hex.slice(0, 4)}…${hex.slice(-4)}`;

function start(box) {
  const form = box.closest("form");
  const { spec, known } = box.dataset;
  if (!canWrap()) {
    box.replaceChildren(element("div", { class: "strip warn" }, icon("warn"), element("div", {}, element("p", {}, WHY_NOT))));
    return;
  }
  const picker = $("input[type=file]", box);
  const drop = $(".drop", box);
  const checks = $(".checks", box);
  const results = $("[data-wrap-results]", box);
  const locked = $("[data-wrap-locked]", box); // asks for the passphrase of an encrypted key
  const passphrase = $("[data-wrap-passphrase]", box);
  let made = [];
  let held = null; // the encrypted file that waits for its passphrase: { name, bytes }

  const say = (kind, ...sentences) => checks.replaceChildren(
    ...sentences.map((text) => element("li", kind ? { class: kind } : {}, icon(kind === "no" ? "err" : "check"), element("span", {}, text))),
  );
  const fieldOf = (name) => $(`[data-material][data-name="${name}"]`, form);
  const targets = isAsymmetric(spec) ? [box.dataset.temporary, box.dataset.privateKey] : [box.dataset.materialField];

  function forget() {
    made = [];
    held?.bytes.fill(0);
    held = null;
    passphrase.value = "";
    locked.hidden = true;
    results.hidden = true;
    $("[data-wrap-got]", box).hidden = true;
    $("[data-wrap-empty]", box).hidden = false;
    drop.classList.remove("full", "wrong");
    checks.replaceChildren();
    picker.value = "";
    targets.forEach((name) => materialOf(fieldOf(name))?.clear());
  }

  function showFile(title, meta) {
    $("[data-wrap-title]", box).textContent = title;
    $("[data-wrap-meta]", box).textContent = meta;
    $("[data-wrap-got]", box).hidden = false;
    $("[data-wrap-empty]", box).hidden = true;
  }

  async function finish({ ciphertexts, checkValue }, title, meta, ...ticks) {
    made = ciphertexts.map((bytes, index) => ({ bytes, fileName: fileNames(spec)[index] }));
    const rows = [];
    for (const [index, { bytes, fileName }] of made.entries()) {
      const field = fieldOf(targets[index]);
      await materialOf(field).take(new File([bytes], fileName));
      const label = field.dataset.label ?? $("label", field).textContent.replace("*", "").trim();
      rows.push(element("tr", {},
        element("th", { scope: "row" }, label),
        element("td", { class: "nowrap" }, `${bytes.length.toLocaleString("en")} bytes`),
        element("td", { class: "mono small when-wide" }, short(await sha256(bytes)))));
    }
    $("tbody", results).replaceChildren(...rows);
    $("[data-wrap-check-value]", box).textContent = checkValue;
    results.hidden = false;
    drop.classList.remove("wrong");
    drop.classList.add("full");
    showFile(title, meta);
    say("", ...ticks);
    announce(`Wrapped. Check value ${[...checkValue].join(" ")}`);
  }

  /** Wraps the held file; it stays held while a passphrase may still decrypt it. */
  async function wrapHeld(typed) {
    const { name, bytes } = held;
    try {
      const wrapped = await wrapKeyFile(wrappingKeys.get(form), bytes, spec, { passphrase: typed, known });
      held = null;
      passphrase.value = "";
      locked.hidden = true;
      const { found, length } = wrapped;
      await finish(wrapped, name, `${length.toLocaleString("en")} bytes · ${spec} · read in this page only`,
        `Read as ${found}.`, isAsymmetric(spec) ? `A valid private key, as ${spec} needs.` : "32 bytes, wrapped with RSA-OAEP and SHA-256.");
    } catch (error) {
      if (!(error instanceof PassphraseRequired)) throw error;
      showFile(name, `${bytes.length.toLocaleString("en")} bytes · encrypted · read in this page only`);
      locked.hidden = false;
      passphrase.focus();
      announce("The private key is encrypted. Type its passphrase.");
    }
  }

  async function fromFile(file) {
    if (file.size > MOST_BYTES) throw new KeyFileRefused("too-large", `${file.size.toLocaleString("en")} bytes is far more than a key has.`);
    held = { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
    await wrapHeld();
  }

  async function fromRandom() {
    const material = randomMaterial();
    // the only copy there will ever be outside the service: the same material may be needed to import again
    if ($("[data-wrap-keep]", box)?.checked) save(material.slice(), "PlaintextKeyMaterial.bin");
    const checkValue = await checkValueOfAes(material);
    await finish({ ciphertexts: [await wrapMaterial(wrappingKeys.get(form), material)], checkValue },
      "32 random bytes", "made by this browser, read in this page only", "32 bytes, wrapped with RSA-OAEP and SHA-256.");
  }

  async function attempt(work) {
    if (!wrappingKeys.has(form)) {
      say("no", "There is no wrapping key yet. Go back and download one.");
      return;
    }
    drop.setAttribute("aria-busy", "true");
    drop.classList.remove("wrong");
    passphrase.removeAttribute("aria-invalid");
    checks.replaceChildren();
    try {
      await work();
    } catch (error) {
      drop.classList.add("wrong");
      if (error.reason === "passphrase-wrong") {
        passphrase.setAttribute("aria-invalid", "true");
        passphrase.select();
      } else {
        locked.hidden = true;
      }
      // any other error would be WebCrypto's, and its text helps nobody
      say("no", error instanceof KeyFileRefused ? error.message : "The file could not be wrapped. The wrapping key or the file is damaged.");
    } finally {
      drop.removeAttribute("aria-busy");
    }
  }

  const attemptAnew = (work) => {
    forget();
    return attempt(work);
  };
  const unlock = () => held && passphrase.value !== "" && attempt(() => wrapHeld(passphrase.value));
  const take = (file) => attemptAnew(() => fromFile(file));
  picker.addEventListener("change", () => picker.files[0] && take(picker.files[0]));
  $$("[data-wrap-pick]", box).forEach((button) => button.addEventListener("click", () => { picker.value = ""; picker.click(); }));
  $("[data-wrap-random]", box)?.addEventListener("click", () => attemptAnew(fromRandom));
  $("[data-wrap-unlock]", box).addEventListener("click", unlock);
  passphrase.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // it would send the wizard's form
    unlock();
  });
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
  form.addEventListener("kms:wrapping-key", () => (made.length > 0 || held) && forget());
}

mount("[data-wrap]", start);
