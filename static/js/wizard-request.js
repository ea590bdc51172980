// One question of the wizard to the service, and what may come back of it.
import { $ } from "./dom.js";

const isJson = (answer) => (answer?.headers.get("Content-Type") ?? "").includes("json");

async function post(url, body) {
  try {
    return await fetch(url, { method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin" });
  } catch {
    return null; // no network
  }
}

/**
 * A new login changes the CSRF token, and its cookie is out of script's reach: another page has the new one. Returns
 * whether there was one; without a session that page redirects to the login.
 */
export async function renewToken(form) {
  const answer = await fetch(form.dataset.exitUrl, { credentials: "same-origin", redirect: "manual" }).catch(() => null);
  const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  const token = page && $("[name=csrfmiddlewaretoken]", page)?.value;
  if (token) $("[name=csrfmiddlewaretoken]", form).value = token;
  return Boolean(token);
}

/**
 * Posts makeBody() and returns one of { ok: body }, { refused: { step, errors } }, { signin: url }, { broken: requestId },
 * { unreachable: true }.
 */
export async function ask(form, url, makeBody) {
  let answer = await post(url, makeBody());
  if (answer?.status === 403 && !isJson(answer) && (await renewToken(form))) answer = await post(url, makeBody());
  if (!answer) return { unreachable: true };
  const body = isJson(answer) ? await answer.json().catch(() => null) : null;
  if (body?.ok) return { ok: body };
  if (body?.signin) return { signin: body.signin };
  if (body?.errors) return { refused: body };
  return { broken: answer.headers.get("X-Request-Id") ?? "" };
}
