"""Receives callbacks of xcron: asks who sent them, does each once, and none that is overtaken.

    XCRON_HOOK_SECRET="whsec_..." python3 receiver.py 127.0.0.1:9000 receiver.db
"""

import base64, hmac, os, sqlite3, sys, time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_SECONDS = 300
BODY_BYTES_MAX = 64 * 1024
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, done_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS fences (task TEXT PRIMARY KEY, fence INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS charges (run TEXT PRIMARY KEY, body BLOB NOT NULL);
"""


def is_signed(keys, headers, body, now):
    """Whether one of the signatures is one of ours, and not an old one sent again."""
    run, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (sent.isascii() and sent.isdigit() and abs(now - int(sent)) <= TOLERANCE_SECONDS):
        return False
    text = f"{run}.{sent}.".encode() + body
    ours = [b"v1," + base64.b64encode(hmac.digest(key, text, "sha256")) for key in keys]
    given = headers.get("webhook-signature", "").encode().split()
    return any([hmac.compare_digest(a, b) for a in ours for b in given])


def accept(db, run, fence, body):
    """Status and text of the answer. What it remembers and what it does are one transaction."""
    task = run.partition("@")[0]
    with db:
        db.execute("BEGIN IMMEDIATE")
        if db.execute("SELECT 1 FROM runs WHERE run = ?", (run,)).fetchone():
            return 200, "done before"
        newest = db.execute("SELECT fence FROM fences WHERE task = ?", (task,)).fetchone()
        if newest and fence <= newest[0]:
            return 409, f"fence {fence} is stale, {newest[0]} was here"
        db.execute("INSERT INTO runs VALUES (?, ?)", (run, int(time.time())))
        db.execute("INSERT OR REPLACE INTO fences VALUES (?, ?)", (task, fence))
        # The effect, in place of yours. If it raises, nothing of this has happened.
        db.execute("INSERT INTO charges VALUES (?, ?)", (run, body))
    print(f"charged {run}", flush=True)
    return 200, "done"


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_POST(self):
        try:
            status, text = self.judge()
        except Exception as error:  # Anything but 2xx is tried again.
            status, text = 500, repr(error)
        self.send_response(status)
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def judge(self):
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit() and int(length) <= BODY_BYTES_MAX):
            self.close_connection = True
            return 413, "the body is too long, or does not say how long it is"
        body = self.rfile.read(int(length))
        if not is_signed(KEYS, self.headers, body, time.time()):
            return 401, "not signed by xcron within the last five minutes"
        run, fence = self.headers.get("idempotency-key", ""), self.headers.get("xcron-fence", "")
        # Only webhook-id is signed.
        if run != self.headers["webhook-id"] or not (fence.isascii() and fence.isdigit()):
            return 400, "idempotency-key is not webhook-id, or xcron-fence is no number"
        with closing(sqlite3.connect(PATH, timeout=5, isolation_level=None)) as db:
            return accept(db, run, int(fence), body)


if __name__ == "__main__":
    secrets = os.environ["XCRON_HOOK_SECRET"].split()
    KEYS = [base64.b64decode(text.removeprefix("whsec_"), validate=True) for text in secrets]
    (host, port), PATH = sys.argv[1].rsplit(":", 1), sys.argv[2]
    sqlite3.connect(PATH).executescript(SCHEMA)
    server = ThreadingHTTPServer((host, int(port)), Receiver)
    print("listening on http://%s:%d/" % server.server_address, flush=True)
    server.serve_forever()
