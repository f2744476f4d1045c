#!/usr/bin/env python3
"""An HTTP server with scripted answers, for tests.

usage: httpd.py [--cert FILE --key FILE] [--port N] [--honour-keys] LOG [ANSWER...]

Listens at 127.0.0.1 on a free port and prints the port. The n-th request gets the n-th ANSWER, those
after the last one get 200. An ANSWER is a JSON object: {"status": 429, "headers": {"Retry-After":
"1"}, "body": "…"}; with "when_body_has": TEXT it is not one of the sequence, but for every request
whose body has TEXT in it; with "close": true the connection is closed in place of an answer; with
"hold": FILE the answer comes when there is such a file. "$DATE+N" in a header is the HTTP date N seconds
from now. Ends at the end of its own input.

With --honour-keys a request whose Idempotency-Key came before, and was answered for good, has no effect:
it gets the answer of then (422 if its body is another), and "repeat": true in the log.

LOG gets one JSON line a request, before the answer: method, path, headers, body (as latin-1), status,
connection (a number for each TCP connection), at (seconds on a monotonic clock), key.
"""

import argparse
import http.server
import json
import os
import re
import ssl
import sys
import threading
import time
from email.utils import formatdate


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, log, answers, port=0, honours=False):
        super().__init__(("127.0.0.1", port), Handler)
        self.honours = honours
        self.known = {}
        self.log = open(log, "a", buffering=1)
        self.rules = [a for a in answers if "when_body_has" in a]
        self.answers = [a for a in answers if "when_body_has" not in a]
        self.lock = threading.Lock()
        self.connections = 0

    def choose(self, body):
        for rule in self.rules:
            if rule["when_body_has"].encode() in body:
                return rule
        return self.answers.pop(0) if self.answers else {"status": 200}

    def answer_for(self, key, body):
        """The answer to a request, and whether it is a repeated one."""
        if self.honours and key in self.known:
            known, answer = self.known[key]
            return (answer if known == body else {"status": 422}), True
        answer = self.choose(body)
        if self.honours and key and answer.get("status", 0) < 500 and answer.get("status") != 429:
            self.known[key] = body, {**answer, "close": False, "hold": None}
        return answer, False

    def handle_error(self, request, client_address):
        pass  # a client that goes away, or doubts the certificate, is part of the tests


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        with self.server.lock:
            self.server.connections += 1
            self.number = self.server.connections

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            key = self.headers.get("Idempotency-Key")
            answer, repeat = self.server.answer_for(key, body)
            entry = {
                "method": self.command,
                "path": self.path,
                "headers": {k.lower(): v for k, v in self.headers.items()},
                "body": body.decode("latin-1"),
                "status": answer.get("status", 0),
                "connection": self.number,
                "at": time.monotonic(),
                "key": key,
            } | ({"repeat": True} if repeat else {})
            self.server.log.write(json.dumps(entry) + "\n")
        while answer.get("hold") and not os.path.exists(answer["hold"]):
            time.sleep(0.01)
        if answer.get("close"):
            self.close_connection = True
        else:
            self.answer(answer)

    do_GET = do_PUT = do_POST

    def answer(self, answer):
        body = answer.get("body", "").encode("latin-1")
        self.send_response(answer["status"])
        for name, value in answer.get("headers", {}).items():
            value = re.sub(r"\$DATE\+(\d+)",
                           lambda m: formatdate(time.time() + int(m[1]), usegmt=True), value)
            self.send_header(name, value)
        if answer["status"] != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--honour-keys", action="store_true")
    parser.add_argument("log")
    parser.add_argument("answers", nargs="*", type=json.loads)
    args = parser.parse_args()
    server = Server(args.log, args.answers, args.port, args.honour_keys)
    if args.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.cert, args.key)
        # The handshake is left to the connection's own thread.
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while os.read(sys.stdin.fileno(), 4096):
        pass


if __name__ == "__main__":
    main()
