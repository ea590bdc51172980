// Creating a key: an algorithm whose material cannot be imported locks the origin, and only External asks for the tick.
import { $, $$, mount } from "./dom.js";

function origin(algorithm) {
  const form = algorithm.form;
  const radios = () => $$("input[name=origin]", form);
  const box = $("input[name=acknowledged]", form);
  const set = () => {
    const external = $("input[name=origin][value=external]", form);
    external.disabled = algorithm.selectedOptions[0]?.hasAttribute("data-no-import") ?? false;
    const note = $("[data-origin-locked]", form);
    if (note) {
      note.hidden = !external.disabled;
      note.textContent = `${algorithm.value} keys cannot be imported.`;
    }
    if (external.disabled && external.checked) radios()[0].checked = true;
    box.required = external.checked;
    form.dispatchEvent(new Event("change", { bubbles: true }));
  };
  algorithm.addEventListener("change", set);
  radios().forEach((radio) => radio.addEventListener("change", set));
  set();
}

mount("select[data-origin-for]", origin);
