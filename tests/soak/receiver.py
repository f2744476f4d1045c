"""An HTTP server that keeps what it gets, outside of what is killed, and doubts its client.

What comes must be the expected stream, in order: each request the next piece of it, or the one
before again, under the same key and with the same bytes. Everything else is a problem. A server
that honours the Idempotency-Key keeps a repeat once, the other one twice. Both now and then fail
before or after they have kept a request, or hang up in place of an answer.
"""
import http.server
import itertools
import threading


class Receiver(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, expected, honours, rng, trouble):
        super().__init__(("127.0.0.1", 0), Handler)
        self.expected = expected
        self.honours = honours
        self.rng = rng
        self.trouble = trouble  # of one: how often it fails
        self.guard = threading.Lock()
        self.kept = []  # (key, body)
        self.bodies = {}  # of each key
        self.last = None  # key
        self.length = 0  # of the expected stream, that has come
        self.repeats = 0
        self.problems = []
        threading.Thread(target=self.serve_forever, args=(.05,), daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def stop(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        pass  # clients are killed

    def problem(self, text):
        if len(self.problems) < 20:
            self.problems.append(text)

    def take(self, key, body):
        """A whole request has come."""
        if not key:
            self.problem("a request without an Idempotency-Key")
        if key in self.bodies:
            self.repeats += 1
            if self.bodies[key] != body:
                self.problem(f"key {key} again with other bytes")
            if self.last != key:
                self.problem(f"key {key} again, after {self.last}")
            if self.honours:
                return
        elif self.expected[self.length:self.length + len(body)] == body:
            self.length += len(body)
        else:
            self.problem(f"key {key}: not what follows byte {self.length}: {body[:200]!r}")
        self.bodies[key] = body
        self.last = key
        self.kept.append((key, body))

    def content(self):
        """What was kept; of repeats, if it keeps them, the first."""
        with self.guard:
            kept = self.kept if self.honours else [pair for pair, _ in itertools.groupby(self.kept)]
            return b"".join(body for _, body in kept)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        server = self.server
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        self.close_connection = True
        if len(body) != length:
            return
        with server.guard:
            fails = server.rng.random() < server.trouble
            how = server.rng.choice(["before", "behind", "silent"]) if fails else ""
            if how != "before":
                # A structured field: the key is a string in quotes. Without them is fine, too.
                server.take(self.headers.get("Idempotency-Key", "").strip('"'), body)
        if how != "silent":
            self.close_connection = False
            self.send_response(503 if fails else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_):
        pass
