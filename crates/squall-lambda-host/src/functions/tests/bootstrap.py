#!/usr/bin/env -S python3 -ISE
"""A runtime in another language than the project's: does what its event, or MODE, says."""

import json
import os
import signal
import socket
import sys
import time

PARENT = os.getppid()
HOST, PORT, SECRET = os.environ["AWS_LAMBDA_RUNTIME_API"].removeprefix("http://").replace("/", ":").split(":")


class Api:
    def __init__(self):
        self.socket = socket.create_connection((HOST, int(PORT)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def send(self, method, path, head=(), body=b""):
        lines = [f"{method} /{SECRET}{path} HTTP/1.1", f"Host: {HOST}:{PORT}", *head, "", ""]
        self.socket.sendall("\r\n".join(lines).encode() + body)

    def call(self, method, path, body=b"", head=()):
        self.send(method, path, [f"Content-Length: {len(body)}", *head], body)
        return self.reply()

    def reply(self):
        status_line = self.file.readline()
        if not status_line:
            sys.exit("the Runtime API is gone")
        headers = {}
        while line := self.file.readline().strip():
            name, value = line.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        body = self.file.read(int(headers.get("content-length", 0)))
        return int(status_line.split()[1]), headers, body


def leave(*_):
    time.sleep(0.1)
    print("farewell", flush=True)
    sys.exit(0)


def wait_for(path):
    while not os.path.exists(path):
        if os.getppid() != PARENT:
            sys.exit("the host is gone")
        time.sleep(0.005)


api = Api()
mode = os.environ.get("MODE")
if mode == "exit":
    sys.exit(3)
elif mode == "init-error":
    api.call("POST", "/2018-06-01/runtime/init/error", b'{"errorType":"Mine","errorMessage":"not today"}')
    time.sleep(60)
elif mode == "hang":
    time.sleep(60)
elif mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
elif mode == "polite":
    signal.signal(signal.SIGTERM, leave)
    status, headers, _ = api.call("POST", "/2020-01-01/extension/register", b'{"events":[]}')
    extension = Api()
    name = "Lambda-Extension-Identifier"
    extension.send("GET", "/2020-01-01/extension/event/next", [f"{name}: {headers[name.lower()]}"])

seen = 0
statuses = []
while True:
    _, headers, payload = api.call("GET", "/2018-06-01/runtime/invocation/next")
    now_ms = time.time() * 1000
    event = json.loads(payload)
    seen += 1
    to_do = event.get("do", "echo")
    request = f"/2018-06-01/runtime/invocation/{headers['lambda-runtime-aws-request-id']}"
    answer = {"event": event, "pid": os.getpid(), "seen": seen, "statuses": statuses}
    if to_do == "context":
        left = int(headers["lambda-runtime-deadline-ms"]) - now_ms
        answer = {"headers": headers, "left_ms": left, "env": dict(os.environ), "cwd": os.getcwd()}
    elif to_do == "sleep":
        time.sleep(event["s"])
    elif to_do == "wait":
        print(f"{event['for']} is awaited by {os.getpid()}", flush=True)
        wait_for(event["for"])
    elif to_do == "print":
        print("to stdout", flush=True)
        print("to stderr", file=sys.stderr, flush=True)
        sys.stdout.write("without end")
        sys.stdout.flush()
    elif to_do == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    elif to_do == "exit":
        sys.exit(event["code"])
    elif to_do == "fail":
        attempts = event.get("attempts")
        if attempts:
            with open(attempts, "a") as file:
                file.write(headers["lambda-runtime-aws-request-id"] + "\n")
            n_attempts = len(open(attempts).readlines())
        if not attempts or n_attempts < event["until"]:
            error = b'{"errorType":"Mine","errorMessage":"as told","stackTrace":[]}'
            api.call("POST", request + "/error", error)
            continue
    body = json.dumps(answer).encode()
    if to_do == "large":
        body = b'"' + b"x" * (event["bytes"] - 2) + b'"'
    if to_do == "chunked":
        half = len(body) // 2
        parts = [body[:half], body[half:], b""]
        body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
        api.send("POST", request + "/response", ["Transfer-Encoding: chunked"], body)
        statuses = [api.reply()[0]]
    elif to_do == "babble":
        elsewhere = "/2018-06-01/runtime/invocation/another/response"
        paths = [elsewhere, request + "/response", request + "/response", "/2018-06-01/runtime/nowhere"]
        statuses = [Api().call("GET", "/2018-06-01/runtime/invocation/next")[0]]
        statuses += [api.call("POST", path, body)[0] for path in paths]
    else:
        statuses = [api.call("POST", request + "/response", body)[0]]
    if to_do == "hang up":
        api.send("GET", "/2018-06-01/runtime/invocation/next")
        time.sleep(0.05)
        api.socket.shutdown(socket.SHUT_RDWR)
        print("hung up", flush=True)
        time.sleep(60)
    elif to_do == "linger":
        print("lingers", flush=True)
        wait_for(event["for"])
