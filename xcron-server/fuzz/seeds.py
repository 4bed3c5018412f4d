#!/usr/bin/env python3
"""Writes the inputs that the corpora begin with: `./seeds.py`, beside the folder `corpus`.

They are inputs that should be accepted, and bad ones that somebody has tried. What a fuzzer finds
comes on top; `cargo fuzz cmin` keeps of both what reaches different code.
"""

import hashlib
import json
import pathlib

CORPUS = pathlib.Path(__file__).parent / "corpus"


def put(target, content):
    content = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(content).hexdigest()).write_bytes(content)


def cron():
    good = ["* * * * *", "0 9 * * MON-FRI", "*/5 2 * * *", "30 2 * * *", "0 0 29 2 *", "@hourly",
            "@yearly", "0 0 L * *", "0 0 LW * *", "0 0 15W * *", "0 0 * * FRIL", "0 0 * * 5#2",
            "* * * * * *", "*/7 1-5/2,9 0-23/3 1,15 JAN-MAR 0-7", "0 0 1-7 * MON", "0 0 */2 * MON",
            "0 0 31 1,3 *", "0 0 29 2 MON#5"]
    bad = ["", " \t ", "*", "* * * * * * *", "0 0 * * *\n* * * * *", "0 0\0* * *", "０ 0 * * *",
           "TZ=../../etc/passwd * * * * *", "@every 1s", "@reboot", ", * * * *", "0,,0 * * * *",
           "60 * * * *", "* 24 * * *", "* * 0 * *", "-1 * * * *", "99999999999999999999 * * * *",
           "*/0 * * * *", "*/99999999999 * * * *", "5/15 * * * *", "5-1 * * * *", "** * * * *",
           "0 0 ? * *", "0 0 * * L", "0 0 30 2 *", "0 0 31W 4,6 *", "0 0 L,LW * *", "/" * 200,
           "0-59" + ",0-59" * 60 + " * * * *"]
    instants = [1_764_331_200, 1_774_746_000, 0, -2_208_988_800, 253_402_300_799, -(1 << 39)]
    for number, text in enumerate(good + bad):
        at = instants[number % len(instants)] + (1 << 39)
        put("cron", bytes([number * 5 % 32]) + at.to_bytes(5, "big") + text.encode())


TASK = {
    "task_id": "billing:daily", "type": 1, "format": "30 2 * * MON-FRI", "name": "Daily billing",
    "labels": {"team": "billing"}, "timezone": "Europe/Paris", "start_time": 1_800_000_000,
    "end_time": 4_000_000_000, "max_runs": 1_000, "misfire": "fire_all",
    "misfire_window_seconds": 7_200, "overlap": "queue", "delivery": "at_most_once",
    "retry": {"max_attempts": 5, "max_age_seconds": 600}, "timeout_seconds": 30,
    "jitter_seconds": 60, "dst_gap": "skip", "dst_fold": "both", "paused": True,
    "callback": {"url": "HTTP://127.0.0.1:9000/a/../charge?x=1", "method": "PUT",
                 "headers": {"X-Trace": "on"}, "body": {"amount": 12.5, "list": [1, None, "x"]}},
}
ONCE = {"type": 2, "format": "4102444800", "callback": {"url": "http://127.0.0.1:9/"}}


def requests():
    def post(call, body):
        text = body if isinstance(body, str) else json.dumps(body)
        put("requests", bytes([call]) + text.encode("utf-8", "surrogateescape"))

    post(0, TASK)
    post(0, ONCE)
    post(0, {**ONCE, "callback": {"url": "http://a/", "body": "text \u00e4 \" \\ \u2028"}})
    for field, value in [
        ("type", "1"), ("type", 1.0), ("type", 99999999999), ("type", -1), ("type", 3),
        ("type", None), ("format", None), ("format", ""), ("format", 4102444800),
        ("format", "1700000000.5"), ("format", "1e9"), ("format", "0x65"), ("format", " 17"),
        ("format", "1764331199"), ("format", "1764331200"), ("format", "4102444800000"),
        ("format", "9223372036854775808"), ("format", "-1"), ("format", "253402300799"),
        ("callback", {}), ("callback", []), ("callback", {"url": "http://a/", "body": 1}),
        ("callback", {"url": "http://a\0b/"}), ("name", "a\0b"), ("labels", {"": "x"}),
        ("labels", {str(n): "x" for n in range(17)}), ("timezone", "Mars/Olympus"),
        ("task_id", "a b"), ("task_id", "x" * 129), ("max_runs", 0), ("surprise", 1),
        ("start_time", -1), ("end_time", 253402300800), ("retry", {"max_attempts": 0}),
        ("misfire", "often"), ("timeout_seconds", 1801), ("jitter_seconds", 86401),
        ("misfire_window_seconds", 0),
        ("callback", {"url": "http://a/", "headers": {"host": "b"}}),
        ("callback", {"url": "http://a/", "headers": {"X-A": "1", "x-a": "2"}}),
        ("callback", {"url": "http://a/", "method": "TRACE"}),
    ]:
        post(0, {**ONCE, field: value})
    for text in ["", "{", "{}x", "{}{}", "[1]", "null", '"x"', "\ufeff{}", "{\"type\":1e400}",
                 '{"type":1,"type":2}', '{"type":NaN}', '{"type":1,}', '{"a":"\\ud800"}',
                 "/* */{}", "[" * 200, '{"a":' * 60 + "1" + "}" * 60,
                 '{"type":2,"format":"4102444800","callback":{"url":"http://a/","body":1e9999}}',
                 '{"type":2,"format":"4102444800","callback":{"url":"http://a/","body":'
                 + "[" * 64 + "]" * 64 + "}}"]:
        post(0, text)
    put("requests", b"\x00{\"a\":\"\xff\"}")
    for call, body in [(1, {"task_id": "a"}), (1, {}), (1, {"task_id": "a", "x": 1}),
                       (2, {"node_id": 3}), (2, {"node_id": 0}), (2, {"node_id": 2**64}),
                       (3, {"node_id": 2}), (3, {}), (3, {"node_id": -1})]:
        post(call, body)
    for call, query in [
        (4, "task_id=a"), (4, "task_id=a&consistency=stale"), (4, "task_id=%00"), (4, "x"), (4, ""),
        (4, "task_id=a&task_id=b"), (5, "type=1&format=0+9+*+*+MON&count=3&timezone=Asia/Tokyo"),
        (5, "type=1&format=30+2+*+*+*&from=1774695600&timezone=Europe/Paris&dst_gap=skip"),
        (5, "type=2&format=4102444800"), (5, "type=1&format=@daily&count=0"),
        (5, "type=1&format=@daily&from=253402300799&count=100"), (6, "nowhere"), (6, "healthz"),
        (6, "openapi.json"), (6, "xcron/createTask"), (6, "xcron/cluster"), (6, "%00"),
        (6, "xcron//queryTask"),
    ]:
        post(call, query)
    # The later calls have every seventh number: get listTasks, listRuns and audit, then post.
    later = ["/", "listTasks", "listRuns", "audit", "updateTask", "pauseTask", "resumeTask",
             "triggerTask", "createTasks", "deleteTasks", "retryRun"]
    for name, content in [
        ("listTasks", "type=1&state=active&label=a:b&q=t&due_before=2000000000&limit=1"),
        ("listTasks", "cursor=s&consistency=stale"), ("listTasks", "label=a"),
        ("listRuns", "task_id=t&status=failed&from=0&to=2000000000&limit=1"),
        ("listRuns", "cursor=t@1764331200000.0"), ("listRuns", "cursor=t@"),
        ("audit", "from=0&to=2000000000&task_id=t&detail=true"), ("audit", "cursor=t&limit=1"),
        ("updateTask", {**TASK, "task_id": "t", "version": 1}),
        ("updateTask", {"task_id": "t", "type": 2, "format": "4102444800"}),
        ("pauseTask", {"task_id": "t", "note": "why"}), ("resumeTask", {"task_id": "t"}),
        ("triggerTask", {"task_id": "t"}), ("createTasks", {"tasks": [TASK, ONCE, 5]}),
        ("deleteTasks", {"task_ids": ["t", "a b"]}), ("deleteTasks", {"labels": {"a": "b"}}),
        ("retryRun", {"run_id": "t@1764331200"}), ("retryRun", {"task_id": "t", "status": "failed"}),
    ]:
        fields = content if isinstance(content, str) else {
            key: value for key, value in content.items() if key != "paused"}
        post(6 + 7 * later.index(name), fields)


def config():
    documented = (CORPUS.parent.parent.parent / "xcron.toml").read_text()
    plain = [line for line in documented.splitlines() if line and not line.startswith("#")]
    files = [
        "\n".join(plain), "http_port = 65_535", "http_port = 0x1F90", "http_port = 65536",
        "peer_port = -1", "monitor_port = 99999999999999999999", "host = \"0.0.0.0\"",
        "host = \"::\"\n[auth]\nallow_anonymous = true", "[auth]\nallow_anonymous = false",
        "env = 1\nhttp_port = -1\nx = 0", "[[auth.tokens]]\nname = \"ci\"", "log = \"a=b=c\"",
        "default_timezone = \"Mars/Olympus\"", "raft_dir = \"\"", "raft_dir = \"a\\u0000b\"",
        "[callback]\nallow = [\"10.0.0.1/8\"]", "callback.deny = [1]", "callback = 3",
        "[limits]\nmax_body_bytes = 1024", "[raft]\nheartbeat_ms = 100", "htp_port = 1",
        "\"a\\u001bb\" = 1", "log = \"\\u001b[31m\"", "a = 1979-05-27T07:32:00Z", "a = nan", "= 1",
        "http_port = 1\nhttp_port = 2", "[peer]\nsecret_env = \"SECRET\"\n"
        "peer_hosts = [\"127.0.0.1:8899\", \"127.0.0.1:8898\"]",
        "[peer]\njoin = [\"a:1\"]\npeer_hosts = [\"a:1\"]", "[peer]\nsecret_env = \"NONE\"",
        "[peer]\ntls_cert = \"a\"", "[peer]\nadvertise = \"::1:1\"", "env = \"a\nb\"",
        "x = \"\u202e\"", "x.y.z = 1", "[http_port]", "host = \"fe80::1%25lo\"",
    ]
    for text in files:
        put("config", text)
    for text in ["VXCRON_HTTP_PORT=eight", "VXCRON_DRAIN_SECONDS=", "VXCRON_CALLBACK__DENY=a,",
                 "VXCRON_CALLBACK__DENY=[\"10.0.0.0/8\"", "VXCRON_HTP_PORT=1", "VXCRON_LOG=\x1b[1m",
                 "VXCRON_PEER__JOIN=a:1,b:2", "VXCRON_AUTH__NOTHING=1", "VXCRON_\x07HTTP_PORT=1",
                 "VXCRON_CALLBACK__ALLOW=10.0.0.0/8, ::1/128", "Shttp_port=1",
                 "VXCRON_HTTP_POR\nT=1"]:
        put("config", b"\xff" + text.encode())
    for text in ["http_port=1", "http_port", "limits.max_tasks=many", "limits.max_batch=5",
                 "peer.peer_hosts=a:1,a:1", "\x1b=1", "=", "host=::1"]:
        put("config", b"host = \"127.0.0.1\"\xff" + text.encode())


def log():
    put("log", bytes([1, 1]) + bytes([0, 1, 2] * 12 + [14] + [0, 1, 2] * 3))
    put("log", bytes([1, 1]) + bytes([6, 3, 0, 1, 5, 14, 0, 1, 200, 14, 0, 1, 9, 15, 0, 1, 3]))
    put("log", bytes([1, 1]) + bytes([0, 1, 1] * 5 + [12, 1, 3, 11, 2, 1, 14, 8, 1, 1, 0, 2, 4]))
    put("log", bytes([1, 1]) + bytes([10, 40, 2, 0, 2, 1, 9, 0, 0, 2, 1, 7, 90, 1]))
    for seq in [0, 255, 254, 253, 252, 251, 2]:
        put("log", bytes([1, seq]) + bytes([0, 1, 1, 15, 0, 1, 1]))
    for edge in [255, 254, 253, 252, 251]:
        put("log", bytes([1, 1, 5, edge, 1, 1]))
        put("log", bytes([1, 1, 0, edge, 1, 1]))
        put("log", bytes([1, 1, 10, edge, 1, 0, 1, 1]))
        put("log", bytes([1, 1, 0, 1, 1, 13, edge, 1]))
        put("log", bytes([1, 1, 6, 1, edge]))
    put("log", bytes([5, 0, 7, 1]) + bytes([0, 1, 2] * 6))
    # A segment as it stands on the disk: one vote, then one entry, in frames of their own.
    def record(kind, index, term, payload=b""):
        return (len(payload).to_bytes(4, "little") + bytes(4) + bytes([kind, 0, 0, 0]) + bytes(4)
                + index.to_bytes(8, "little") + term.to_bytes(8, "little")
                + (1).to_bytes(8, "little") + payload)

    def frame(body, flags=0):
        return len(body).to_bytes(4, "little") + bytes(4) + flags.to_bytes(4, "little") \
            + bytes(12) + body

    frames = frame(record(2, 1, 1)) + frame(record(1, 0, 1, b"payload."))
    frames += bytes(-len(frames) % 16)
    put("log", bytes([2, 1, 0, 7, 7, 7, len(frames) // 16]) + frames)
    put("log", bytes([0, 1, 0, 7, 7, 7, len(frames) // 16]) + frames)
    put("log", bytes([2, 1, 3, 4, 1, 9, 1, 9, 1, len(frames) // 16]) + frames)
    odd = frame(record(1, 0, 1, b"pay"))
    odd += bytes(-len(odd) % 16)
    put("log", bytes([2, 1, 0, 7, 7, 7, len(odd) // 16]) + odd)


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def message(*fields):
    """A protobuf message: (number, int or bytes or str) each."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value % (1 << 64))
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def zigzag(number):
    return number << 1 if number >= 0 else (-number << 1) - 1


def position(term=2, index=9):
    return message((1, term), (2, 1), (3, index))


VOTE = message((1, 2), (2, 1), (3, 1))
MEMBERSHIP = message((1, message((1, bytes([1])))), (2, message((1, 1), (2, "n1:1"))))
DEFINITION = message((1, "a name"), (3, message((1, "@daily"), (2, "UTC"))),
                     (5, message((1, "http://a/"), (5, "{}"))), (10, 60_000), (14, 10_000))
RUN = message((1, zigzag(0)), (3, 1), (5, 7), (6, 0), (8, message((1, 1), (2, 1), (3, 0))))
STATE = message((2, zigzag(5_000)), (4, 1), (5, zigzag(1_000)), (6, zigzag(9_000)), (8, zigzag(0)),
                (9, RUN), (10, message((1, 1))))
RECORD = message((1, zigzag(4_000)), (5, 1), (6, zigzag(3)), (7, zigzag(9)), (8, 1), (9, 200))


def snapshots():
    head = message((1, 2), (2, (5).to_bytes(16, "big")), (3, position()), (4, position()),
                   (5, MEMBERSHIP), (6, 9), (7, message((1, 1), (2, 3))),
                   (9, message((1, 1), (2, message((1, "n1:1"))))), (10, 1), (11, zigzag(9)))
    task = message((1, "a"), (2, DEFINITION), (3, STATE), (4, 3), (5, RECORD))
    later = message((1, "b"), (2, DEFINITION), (3, STATE), (4, 4))

    def block(kind, payload):
        return bytes([kind, len(payload) & 255, len(payload) >> 8]) + payload

    for tasks in [[], [task], [task, later], [later, task], [task, task]]:
        body = block(1, head) + block(2, b"".join(message((1, it)) for it in tasks))
        for how in [0, 4]:
            put("snapshots", bytes([how]) + body)
    put("snapshots", bytes([2]) + block(1, head))
    put("snapshots", bytes([0]) + block(2, b""))
    put("snapshots", bytes([0]) + block(1, head) + block(9, b"x"))
    put("snapshots", bytes([0]) + block(1, message((1, 1), (2, (5).to_bytes(16, "big")))))
    put("snapshots", bytes([0]) + block(1, message((1, 3), (2, (5).to_bytes(16, "big")))))
    put("snapshots", bytes([0]) + block(1, message((1, 2), (2, (6).to_bytes(16, "big")))))
    # By fields: format, last, membership, revision, node ids, lives and nodes, time, tasks.
    plain = [2, 2, 9, 2, 8, 9, 3, 1, 1, 3, 1, 9]
    for place in [1, 2, 3, 4, 5, 6, 9, 10, 11]:
        for edge in [255, 252, 251]:
            put("snapshots", bytes([1] + plain[:place] + [edge] + plain[place + 1:] + [1, 2, 3]))
    for choice in [0, 1, 2, 4, 8, 16, 32, 64, 1 | 4, 2 | 8 | 128]:
        drawn = [1, choice, 1, 1, 1, 3, 5, 1, 0, 2, 4, 1, 2, 3, 4, 5, 6]
        put("snapshots", bytes([1] + plain + drawn))
        put("snapshots", bytes([5] + plain + [1, choice, 255, 255, 254, 253, 252, 255, 250]))


def peers():
    identity = message((1, (3).to_bytes(16, "big")), (2, 2))
    hello = b"xcronpr\n" + message((1, 1), (2, 1), (3, identity), (4, identity), (5, bytes(32)))
    welcome = b"xcronpr\n" + message((1, 1), (2, 1), (3, identity), (5, bytes(32)), (7, 1))

    def framed(body):
        return len(body).to_bytes(4, "little") + body

    put("peers", bytes([0]) + framed(hello) + framed(bytes(32)))
    put("peers", bytes([0]) + framed(b""))
    put("peers", bytes([0]) + (4_097).to_bytes(4, "little") + bytes(100))
    put("peers", bytes([0]) + bytes([255] * 12))
    put("peers", bytes([0]) + b"GET / HTTP/1.1\r\n\r\n")
    put("peers", bytes([1]) + framed(bytes(32) + welcome) + framed(bytes(32)))
    put("peers", bytes([1]) + framed(b"short"))
    put("peers", bytes([2]) + hello)
    put("peers", bytes([3]) + welcome)
    for refusal in range(6):
        put("peers", bytes([4]) + message((1, refusal), (2, "why")))
    head = bytes(8) + (3).to_bytes(16, "little") + (1).to_bytes(8, "little") + bytes(4)
    for what in range(4):
        put("peers", bytes([5, what, 1]) + head + b"body")
    for status in range(6):
        put("peers", bytes([6]) + bytes(8) + bytes([status]) + b"body")
    blank, batch = message((1, 1)), message((2, message((1, b"\x12\x02\x08\x01"))))
    entries = [(3, message((1, position()), (2, it))) for it in [blank, batch]]
    put("peers", bytes([7]) + message((1, VOTE), (2, position()), *entries, (4, position())))
    for edge in [2**64 - 1, 2**63 - 1, 2**62, 2**62 + 1]:
        put("peers", bytes([7]) + message((1, VOTE), (2, position(index=edge))))
        put("peers", bytes([9]) + message((1, message((1, edge))), (2, position(term=edge))))
    for kind in range(6):
        put("peers", bytes([8]) + message((1, kind), (2, position()), (3, VOTE)))
    put("peers", bytes([9]) + message((1, VOTE), (2, position()), (3, 1)))
    put("peers", bytes([10]) + message((1, VOTE), (2, 1), (3, position())))
    put("peers", bytes([11]) + message((1, VOTE), (2, 4), (3, position())))
    for payload in [blank, batch, message((3, MEMBERSHIP)), message((3, message((1, b"")))), b""]:
        put("peers", bytes([12]) + payload)
    create = message((1, message((1, "a"), (2, DEFINITION), (3, STATE))))
    change = message((2, message((1, "a"), (2, 3), (4, STATE), (5, RECORD))))
    delete = message((3, message((1, "a"), (2, 4))))
    commit = message(*[(1, it) for it in [create, change, delete]], (2, 20))
    for number, body in enumerate([commit, message((1, 1)), message((1, b"n"), (2, "a:1")),
                                   message((1, 1)), message((1, 1), (2, "a:1"))], start=1):
        put("peers", bytes([13]) + message((number, body)))
    put("peers", bytes([13]) + message((6, 2)))
    put("peers", bytes([13]) + message((7, zigzag(1_764_331_200_000))))
    for number, body in [(14, DEFINITION), (15, STATE), (16, RECORD)]:
        put("peers", bytes([number]) + body)
    for body in [message((1, bytes([2, 0, 1]))), message((2, 3)), message((3, 3)), message((4, 1)),
                 message((1, varint(2**64 - 1) + varint(2**64 - 2))), b""]:
        put("peers", bytes([17]) + body)


def callbacks():
    good = ["http://127.0.0.1:9000/charge", "https://example.com/a?b=c", "HTTP://Example.COM",
            "http://bücher.example/ä", "http://[::1]:9000/", "http://a_b.internal:8080/x",
            "http://0x7f.1/", "http://①②⑦.⓪.⓪.①/", "http://%31%32%37.0.0.1/", "http://a./"]
    bad = ["", "a", "//a/", "http://", "http:///x", "ftp://a/", "file:///etc/passwd", "data:,x",
           "http://u:p@h/", "http://h/#f", "http:\\\\h\\", "http://a\n.b/", "http://a b/",
           "http://a:0/", "http://a:99999/", "http://a..b/", "http://[fe80::1%25lo]/",
           "http://169.254.169.254/", "http://0/", "http://0.0.0.0/", "http://[::]/",
           "http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:a9fe::]/",
           "http://[2001::5601:5601]/", "http://[fe80::1]/", "http://2852039166/",
           "http://0xa9fea9fe/", "http://\u202ea/", "http://a\0/", "http://a/" + "x" * 2_048]
    for url in good + bad:
        put("callbacks", url)
    for network in ["10.0.0.0/8", "::/0", "0.0.0.0/0", "::ffff:10.0.0.0/104", "fe80::/10", "9.9.9.9",
                    "10.0.0.0/33", "x", "10.0.0.0/-1", "10.0.0.0/+8", "::ffff:0:0/95", "::1/128"]:
        put("callbacks", b"http://a/\xff" + network.encode())
    for name, value in [("x-trace", "on"), ("X-Trace", "a\tb"), ("host", "b"), ("xcron-fence", "1"),
                        ("webhook-id", "1"), ("a b", "c"), ("x", "a\r\nb: c"), ("x", " c"),
                        ("", ""), ("x", "ä"), ("connection", "close")]:
        put("callbacks", b"http://a/\xff\xff{}\xff" + name.encode() + b"\xff" + value.encode())


def answers():
    def answer(status, headers="", body=""):
        lines = f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\n\r\n{body}"
        put("answers", lines.encode("utf-8"))

    for status in ["200 OK", "204 No Content", "302 Found", "410 Gone", "500 Oops", "999 x", "100 C",
                   "101 Switching Protocols", "099 x", "1000 x", "20 x"]:
        answer(status, body="no \x1b[31m good")
    for wish in ["0", "120", "99999999999999999999", "Sun, 06 Nov 1994 08:49:38 GMT", "-1", "soon",
                 "Sun, 31 Dec 9999 23:59:60 GMT", "Sun, +6 Nov +1994 +8:49:37 GMT", "1.5",
                 "x, 1 Feb 1970 0:0:0 GMT"]:
        answer("503 Busy", f"retry-after: {wish}\r\n")
        answer("429 Slow", f"Retry-After: {wish}\r\n", "slow")
    for text in ["", "HTTP/1.1", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nuntil the end",
                 "HTTP/1.1 500 x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
                 "HTTP/1.1 500 x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nabcd",
                 "HTTP/1.1 500 x\r\ncontent-length: 1000000000000\r\n\r\nabc",
                 "HTTP/1.1 500 x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
                 "HTTP/1.1 500 x\r\ncontent-length: -1\r\n\r\n", "SSH-2.0-x\r\n", "\x16\x03\x01",
                 "HTTP/1.1 500 x\r\na: b\r\n c\r\n\r\n", "HTTP/1.1 500 x\na: b\n\nbody",
                 "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]:
        put("answers", text)
    put("answers", b"HTTP/1.1 500 \xff\xfe\r\ncontent-length: 4\r\n\r\n\xff\xfe\x00\x07")


for fill in [cron, requests, config, log, snapshots, peers, callbacks, answers]:
    fill()
