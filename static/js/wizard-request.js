// One request of the wizard, and what may come back.
import { isSignedIn, request } from "./session.js";

const isJson = (answer) => (answer?.headers.get("Content-Type") ?? "").includes("json");

/**
 * Posts makeBody() and returns one of { ok: body }, { refused: { step, errors } }, { signedOut: true }, which
 * session.js has shown, { broken: requestId }, { unreachable: true }.
 */
export async function ask(url, makeBody) {
  const post = () => request(url, { method: "POST", body: makeBody() });
  let answer = await post();
  // a new login, in another tab, has changed the CSRF token
  if (answer?.status === 403 && !isJson(answer)) {
    if (!(await isSignedIn())) return { signedOut: true };
    answer = await post();
  }
  if (!answer) return { unreachable: true };
  if (answer.status === 401) return { signedOut: true };
  const body = isJson(answer) ? await answer.json().catch(() => null) : null;
  if (body?.ok) return { ok: body };
  if (body?.errors) return { refused: body };
  return { broken: answer.headers.get("X-Request-Id") ?? "" };
}
