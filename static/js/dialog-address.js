// The address of a dialog that is also a page: <dialog data-address="/console/kms/import">. It is in the address bar while
// the dialog is open. Back closes the dialog, unless the dialog prevents the event kms:back.
import { mount } from "./dom.js";

let shown = null; // { dialog, address }
let returning = false;

const isOurs = () => Boolean(history.state?.dialog);

/** Changes the address of the open dialog, for example from one step to the next. */
export function replaceAddress(address) {
  if (shown) shown.address = address;
  history.replaceState({ dialog: true }, "", address);
}

function start(dialog) {
  const { address } = dialog.dataset;
  // a response may replace one dialog by the next: that is no new entry in the history
  if (isOurs()) history.replaceState({ dialog: true }, "", address);
  else history.pushState({ dialog: true }, "", address);
  shown = { dialog, address };
  dialog.addEventListener("close", (event) => {
    if (event.target !== dialog || shown?.dialog !== dialog) return;
    shown = null;
    if (!isOurs()) return;
    returning = true;
    history.back();
  });
}

// Capture: htmx would load the page below again, and with it remove the dialog before it can ask.
addEventListener("popstate", (event) => {
  if (returning) {
    returning = false;
    event.stopImmediatePropagation();
  } else if (shown?.dialog.open) {
    event.stopImmediatePropagation();
    const { dialog, address } = shown;
    if (dialog.dispatchEvent(new Event("kms:back", { cancelable: true }))) {
      shown = null;
      dialog.close();
    } else {
      history.pushState({ dialog: true }, "", address);
    }
  } else if (event.state?.dialog) {
    location.reload(); // Forward, after the dialog was closed: the page at its address
  }
}, true);

mount('dialog[data-address]:not([data-address=""])', start);
