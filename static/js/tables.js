// Tables: ticking rows, what may be done with all that are ticked, choosing columns.
import { $, $$, announce, mount } from "./dom.js";
import { isSignedIn, request } from "./session.js";
import { toast } from "./toasts.js";

// data-select="#bar" on the table; data-allows="enable delete" on a row's box; data-act="enable" on a button of the bar.
function selection(table) {
  const all = $("thead input[type=checkbox]", table);
  const bar = $(table.dataset.select);
  const boxes = () => $$("tbody .selcol input[type=checkbox]", table);
  const set = () => {
    const rows = boxes();
    const ticked = rows.filter((box) => box.checked);
    if (all) {
      all.checked = rows.length > 0 && ticked.length === rows.length;
      all.indeterminate = ticked.length > 0 && !all.checked;
    }
    if (!bar) return;
    bar.hidden = ticked.length === 0;
    const count = $("[data-count]", bar);
    if (count) count.textContent = ticked.length;
    $$("[data-act]", bar).forEach((button) => permit(button, ticked));
  };
  table.addEventListener("change", (event) => {
    if (event.target === all) boxes().forEach((box) => { box.checked = all.checked; });
    if (event.target === all || event.target.closest(".selcol")) set();
  });
  set();
}

function permit(button, ticked) {
  if (button.dataset.denied) return; // the server knows a permission is missing and says so in the title
  const against = ticked.filter((box) => !(box.dataset.allows ?? "").split(/\s+/).includes(button.dataset.act));
  button.disabled = ticked.length === 0 || against.length > 0;
  if (against.length > 0) {
    const names = against.slice(0, 3).map((box) => box.dataset.name ?? box.value).join(", ");
    button.title = `Not possible for ${names}${against.length > 3 ? ` and ${against.length - 3} more` : ""}.`;
  } else {
    button.removeAttribute("title");
  }
}

// A form of check boxes that remembers the columns: saved by fetch, shown at once. Cells carry data-column="created".
function columns(form) {
  const table = $(form.dataset.columns);
  const set = () => $$("[type=checkbox]", form).forEach((box) => {
    $$(`[data-column="${CSS.escape(box.value)}"]`, table ?? document).forEach((cell) => { cell.hidden = !box.checked; });
  });
  form.addEventListener("change", async (event) => {
    set();
    const is = await isSignedIn();
    const answer = is ? await request(form.action, { method: "POST", body: new FormData(form) }) : null;
    if (answer?.ok) {
      announce("Columns saved");
      return;
    }
    event.target.checked = !event.target.checked;
    set();
    if (is) toast("The columns could not be saved. Try again.", "error");
  });
}

mount("table[data-select]", selection);
mount("form[data-columns]", columns);
