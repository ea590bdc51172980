// The tag editor: rows of key and value, a count of how many more may be added, a value that waits for its key.
import { $, $$, element, icon, mount } from "./dom.js";

const TWIN = "The tag key already exists.";

// Under the row, apart from what the server may have said there.
function showTwin(row, key, isTwin) {
  key.setCustomValidity(isTwin ? TWIN : "");
  const shown = $("[data-twin]", row);
  if (isTwin === Boolean(shown)) return;
  if (isTwin) {
    key.setAttribute("aria-invalid", "true");
    row.append(element("p", { class: "err", role: "alert", "data-twin": "" }, icon("err"), element("span", {}, TWIN)));
  } else {
    key.removeAttribute("aria-invalid");
    shown.remove();
  }
}

function tags(editor) {
  const most = Number(editor.dataset.tags);
  const list = $("[data-tag-rows]", editor);
  const add = $("[data-tag-add]", editor);
  const rows = () => [...list.children];

  const set = () => {
    const count = rows().length;
    const more = Math.max(0, most - count);
    $("[data-tag-left]", editor).textContent = `You can add ${more} more tags.`;
    add.disabled = more === 0;
    rows().forEach((row, index) => {
      const [key, value] = $$("input", row);
      key.setAttribute("aria-label", `Tag key ${index + 1}`);
      value.setAttribute("aria-label", `Tag value ${index + 1}`);
      $("[data-tag-delete]", row).setAttribute("aria-label", `Delete tag ${key.value || index + 1}`);
      // read-only, not disabled: a disabled field is not sent, and keys and values are paired by their order
      value.readOnly = key.value === "";
      if (value.readOnly) value.value = "";
      showTwin(row, key, key.value !== "" && rows().slice(0, index).some((other) => $("input", other).value === key.value));
    });
  };
  add.addEventListener("click", () => {
    list.append($("template", editor).content.cloneNode(true));
    set();
    $("input", list.lastElementChild).focus();
  });
  list.addEventListener("input", set);
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-tag-delete]");
    if (!button) return;
    const row = button.closest(".tagline");
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    set();
    (next ? $("input", next) : add).focus();
  });
  set();
}

mount("[data-tags]", tags);
