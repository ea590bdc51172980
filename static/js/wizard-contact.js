// An open wizard says that it is still there: an offer that the service has not heard of for 30 minutes ends (SEC-037).

const EVERY_MS = 2 * 60 * 1000;
// Looked at by the clock on the wall: a machine that slept is heard of as soon as it wakes.
const LOOK_MS = 5000;

/** Calls contact() every two minutes while isOpen(), and at once when somebody comes back to the page, or the network does. */
export function stayInContact(isOpen, contact) {
  let last = Date.now();
  let busy = false;

  async function touch() {
    if (busy || !isOpen()) return;
    busy = true;
    last = Date.now();
    try {
      await contact();
    } finally {
      busy = false;
    }
  }

  setInterval(() => {
    if (!isOpen()) last = Date.now(); // the download that opens it is heard of by itself
    if (Math.abs(Date.now() - last) >= EVERY_MS) touch();
  }, LOOK_MS);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && touch());
  for (const name of ["focus", "online"]) addEventListener(name, touch);
}
