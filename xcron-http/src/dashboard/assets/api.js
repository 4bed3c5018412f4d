// Calls the API of the server that this page comes from, and says what went wrong.

const TOKEN = "xcron.token";
const CALL_MS_MAX = 30_000;

let signIn = null;
let asked = null;
let isDeclined = false;
let refused = null;
let clockOffset = 0;

/** What the server, or the way to it, answered instead of what was asked for. */
export class ApiError extends Error {
  constructor(message, { code = 0, status = 0, effect = null, id = null } = {}) {
    super(message);
    Object.assign(this, { code, status, effect, id });
  }

  /** The field that the message begins with. */
  get field() {
    return /^[a-z_.]+(?=[:\s])/.exec(this.message)?.[0] ?? null;
  }
}

/** Says who asks a person for a token: a function of the server's words that answers one. */
export function askTokenBy(ask) {
  signIn = ask;
}

/** The token of this tab. */
export function token() {
  try {
    return sessionStorage.getItem(TOKEN);
  } catch {
    return null;
  }
}

/** Keeps a token until the tab is closed; none forgets it. */
export function keepToken(value) {
  try {
    if (value) sessionStorage.setItem(TOKEN, value);
    else sessionStorage.removeItem(TOKEN);
  } catch {
    // Then nobody is signed in, and the server says so.
  }
  isDeclined = false;
}

/** Lets a person who declined be asked for a token once more. */
export function askAgain() {
  isDeclined = false;
}

/** Unix seconds by the server's clock, which is the one that tasks go by. */
export const now = () => Date.now() / 1000 + clockOffset;

function noteClock(response) {
  const theirs = Date.parse(response.headers.get("date") ?? "") / 1000;
  const offset = theirs - Date.now() / 1000;
  // The header has whole seconds, so less than two say nothing.
  if (Number.isFinite(offset)) clockOffset = Math.abs(offset) > 2 ? offset : 0;
}

/** Parses JSON, keeping numbers that a browser cannot hold as they were written. */
export function parseExact(text) {
  return JSON.parse(text, (_key, value, context) => {
    const source = context?.source;
    const isLossy = typeof value === "number" && source && String(value) !== source;
    return isLossy && JSON.rawJSON ? JSON.rawJSON(source) : value;
  });
}

async function send(path, { method = "GET", body, signal } = {}) {
  const headers = {};
  const held = token();
  if (held) headers.authorization = `Bearer ${held}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const limits = [AbortSignal.timeout(CALL_MS_MAX)];
  if (signal) limits.push(signal);
  try {
    const response = await fetch(new URL(path, document.baseURI), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.any(limits),
      credentials: "same-origin",
      redirect: "error",
    });
    noteClock(response);
    return [response, await response.text()];
  } catch (error) {
    if (signal?.aborted) throw error;
    const effect = method === "GET" ? null : "unknown";
    throw new ApiError(error.message, { effect });
  }
}

function failure(response, text) {
  let answer = {};
  try {
    answer = JSON.parse(text);
  } catch {
    // Something on the way answered, and not the server.
  }
  const { status, statusText } = response;
  const { code = 0, message, uuid: id = null, data } = answer;
  const told = message || `HTTP ${status} ${statusText}`.trim();
  return new ApiError(told, { code, status, id, effect: data?.effect ?? null });
}

async function isSignedIn(reason) {
  if (!signIn || isDeclined) return false;
  asked ??= signIn(reason).finally(() => {
    asked = null;
  });
  const given = await asked;
  if (given) keepToken(given);
  else isDeclined = true;
  return Boolean(given);
}

async function call(path, options) {
  for (;;) {
    const used = token();
    // What was refused is not sent again until somebody has, or is asked for, another token.
    const isWaiting = isDeclined || options?.isQuiet;
    if (isWaiting && refused?.used === used) throw refused.error;
    const [response, text] = await send(path, options);
    if (response.ok) return text;
    const error = failure(response, text);
    if (response.status !== 401) throw error;
    refused = { used, error };
    if (options?.isQuiet) throw error;
    // Another call may have got a token meanwhile.
    if (token() === used && !(await isSignedIn(error.message))) throw error;
  }
}

function query(params = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const each of [value].flat()) {
      if (each !== null && each !== undefined && each !== "") search.append(name, each);
    }
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}

/** `data` of a call that changes nothing. */
export async function get(name, params, options) {
  return parseExact(await call(`xcron/${name}${query(params)}`, options)).data;
}

/** `data` of a call that changes something. */
export async function post(name, body, options) {
  return parseExact(await call(`xcron/${name}`, { ...options, method: "POST", body })).data;
}

/** The metrics of the node that answers, as text. */
export const metricsText = (options) => call("xcron/metrics", options);

/** Why the node is not ready; null when it is. */
export async function notReady() {
  const [response, text] = await send("readyz");
  return response.ok ? null : failure(response, text).message;
}
