// Writes a request as a command that a shell can be given.

const quote = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

function bodyOf(callback) {
  const { method, body } = callback;
  const isBare = method === "GET" || method === "DELETE";
  if (body === null || body === undefined) return isBare ? null : "{}";
  return typeof body === "string" ? body : JSON.stringify(body);
}

/** The callback of a run, as xcron makes it but for its signature. */
export function callbackCommand(callback, run) {
  const headers = {
    "content-type": "application/json",
    ...callback.headers,
    "xcron-task-id": run.task_id,
    "xcron-run-id": run.run_id,
    "xcron-scheduled-time": run.scheduled_time,
    "idempotency-key": run.run_id,
  };
  const body = bodyOf(callback);
  const lines = [`curl -sS -i -X ${callback.method} ${quote(callback.url)}`];
  for (const [name, value] of Object.entries(headers)) {
    lines.push(`-H ${quote(`${name}: ${value}`)}`);
  }
  if (body !== null) lines.push(`--data-raw ${quote(body)}`);
  return lines.join(" \\\n  ");
}

/** A call of the API that has a body. The token stays in the shell's environment. */
export function callCommand(name, body) {
  const url = new URL(`xcron/${name}`, document.baseURI);
  return [
    `curl -sS ${quote(url)}`,
    "-H 'content-type: application/json'",
    "-H \"authorization: Bearer $XCRON_TOKEN\"",
    `--data-raw ${quote(JSON.stringify(body))}`,
  ].join(" \\\n  ");
}
