// When the session ends while a page is open, one dialog says so (components/session_ended.html), whether a form, htmx or
// script made the request. The page stays as it is: the user logs in in another tab, comes back and goes on.
import { $, $$, mount } from "./dom.js";
import { toast } from "./toasts.js";

const page = document.body.dataset;

/** fetch, for what asks in JSON: null where the service is out of reach. Tells of a session that has ended. */
export async function request(url, options = {}) {
  const answer = await fetch(url, { credentials: "same-origin", ...options, headers: { Accept: "application/json" } }).catch(() => null);
  if (answer?.status === 401) tellEnded();
  return answer;
}

/** Whether what is sent now is sent by the person who opened the page. If the service does not say, the request will. */
export async function isSignedIn() {
  if (!page.session) return true;
  const answer = await request(page.session, { cache: "no-store" });
  if (answer?.status === 401) return false;
  const now = answer?.ok ? await answer.json().catch(() => null) : null;
  if (!now) return true;
  if (now.user !== page.user) {
    tellEnded(now.user);
    return false;
  }
  renew(now.csrf_token);
  return true;
}

// A new session has another CSRF token than the one that the page was made with.
function renew(token) {
  $$("input[name=csrfmiddlewaretoken]").forEach((input) => { input.value = token; });
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
}

function tellEnded(other = "") {
  const dialog = $("#session-ended");
  if (!dialog) return;
  const note = $("[data-session-other]", dialog);
  note.hidden = !other;
  $("strong", note).textContent = other;
  if (!dialog.open) dialog.showModal();
}

document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) tellEnded();
});
// htmx fetches a page of the history anew; without a session the browser's own way leads to the sign-in page and back
document.addEventListener("htmx:historyCacheMissLoadError", () => location.reload());

mount("#session-ended", (dialog) => {
  const look = async () => {
    if (!dialog.open || document.visibilityState !== "visible" || !(await isSignedIn())) return;
    dialog.close();
    toast("You are logged in again. Go on where you were.");
  };
  addEventListener("focus", look);
  document.addEventListener("visibilitychange", look);
});
