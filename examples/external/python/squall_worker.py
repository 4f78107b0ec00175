"""Makes a Python function a worker of Squall's `external` jobs. One file without dependencies, Python 3.9 or later: copy it beside yours.

    from squall_worker import worker

    @worker
    def price(item, params):
        return item["quantity"] * params["price"]

    if __name__ == "__main__":
        price.main()

The function takes an item, and the job's `params` if it has a second argument. `@worker(setup=load)` calls `load(params)` once, before the
first item, and gives what it returns as the second argument instead. `@worker(batch=True)` takes a list of items and returns a list of as many values;
an exception in it is that item's failure.

The same file runs

* under `squall run`, `squall map` and `squall worker check`;
* by hand: `python3 price.py '{"quantity": 2}' --params '{"price": 5}'`, or with items on the lines of standard input;
* as a Lambda function of a Python runtime: `handler = price.lambda_handler`;
* as a Lambda function of a custom runtime or a container image whose entry point is this file.

A value is whatever `json.dumps` takes, also of NumPy. NaN and infinity are failures of their item, as JSON has neither. So are exceptions: their
traceback goes to standard error. What is printed goes to people and breaks nothing. A request that is given up ends between two items, not within
one. `price(item, params)` still is the plain function, for its tests.
"""

import json
import os
import re
import sys
import time

__all__ = ["worker"]

CONTRACT = 1
# How often somebody may give up a request, seconds.
LOOK = 0.05
# Tracebacks of a request, so that a thousand of them do not pass the limit of output.
MOST_TRACEBACKS = 5
# Of a reason.
MOST_CHARACTERS = 1000


def worker(function=None, *, batch=False, setup=None, name=None, version=None):
    """A decorator: the function as a worker.

    batch: whether it takes a list of items. setup: called once with the job's `params`, before the first item. name, version: what it is called
    in reports; the function's own name if left out.
    """
    if function is None:
        return lambda function: Worker(function, batch, setup, name, version)
    return Worker(function, batch, setup, name, version)


class Worker:
    """A function that computes items."""

    def __init__(self, function, batch=False, setup=None, name=None, version=None):
        self.function, self.batch, self.setup = function, batch, setup
        self.name, self.version = name or getattr(function, "__name__", "worker"), version
        self.__doc__, self.__wrapped__ = function.__doc__, function
        self.wants_params = setup is not None or _wants_params(function)
        # What it was set up with, as JSON, and what came of it.
        self.params, self.state, self.compute = None, None, None

    def __call__(self, *args, **kwargs):
        return self.function(*args, **kwargs)

    def main(self):
        """Serves until its input ends, in the way that the environment asks for, and exits."""
        try:
            if "SQUALL_CONTRACT" in os.environ:
                status = _serve(self)
            elif "AWS_LAMBDA_RUNTIME_API" in os.environ:
                status = _serve_runtime_api(self, os.environ["AWS_LAMBDA_RUNTIME_API"])
            else:
                status = _by_hand(self, sys.argv[1:])
            sys.stdout.flush()
        except KeyboardInterrupt:
            status = 130
        except BrokenPipeError:
            # Whoever read has gone. What is buffered must not fail again at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            status = 1
        sys.exit(status)

    def lambda_handler(self, event, context=None):
        """A Lambda handler: the event of a request, and its response."""
        return json.loads(self.response(event))

    def set_up(self, params):
        """Gets ready for items with these `params`, unless it is.

        Raises whatever `setup` raises.
        """
        key = json.dumps(params)
        if self.compute is not None and key == self.params:
            return
        self.compute = None
        self.state = params if self.setup is None else self.setup(params)
        function, state = self.function, self.state
        self.compute = (lambda item: function(item, state)) if self.wants_params else function
        self.params = key

    def outcome(self, items, is_given_up=None):
        """The fields of a reply behind its id, as JSON text without braces; `None` if it was given up."""
        if self.batch:
            values, errors = self._batch(items)
            if values is None:
                return _error(errors)
        else:
            values, errors = self._one_by_one(items, is_given_up)
            if values is None:
                return None
        return _fields(values, errors)

    def response(self, event):
        """The response to a Lambda event, as JSON text."""
        event = event if isinstance(event, dict) else {}
        id_, items, version = event.get("id"), event.get("items"), event.get("squall")
        try:
            if version is None or not isinstance(items, list):
                fields = _error("the event is no request of Squall's: it has no `squall` or no `items`")
            elif version != CONTRACT:
                fields = _error(_other_version(version))
            else:
                self.set_up(event.get("params"))
                fields = self.outcome(items)
        except (Exception, SystemExit) as error:
            fields = _error(_reason(error, 0))
        return f'{{"squall":{CONTRACT},"id":{json.dumps(id_)},{fields}}}'

    def _one_by_one(self, items, is_given_up):
        values, errors = [], {}
        append, compute, clock = values.append, self.compute, time.monotonic
        look = clock() + LOOK if is_given_up else float("inf")
        for item in items:
            try:
                append(compute(item))
            except (Exception, SystemExit) as error:
                errors[len(values)] = _reason(error, len(errors))
                append(None)
            if clock() >= look:
                if is_given_up():
                    return None, None
                look = clock() + LOOK
        return values, errors

    def _batch(self, items):
        """Values and the errors of items; or no values and the error of all."""
        try:
            values = list(self.compute(items))
        except (Exception, SystemExit) as error:
            reason = _reason(error, 0)
            return ([None], {0: reason}) if len(items) == 1 else (None, reason)
        if len(values) != len(items):
            return None, f"{self.name} returned {len(values)} values for {len(items)} items"
        errors = {}
        for position, value in enumerate(values):
            if isinstance(value, BaseException):
                errors[position] = _reason(value, len(errors))
                values[position] = None
        return values, errors


def _wants_params(function):
    """Whether a function has a second argument that is needed, or called `params`."""
    import inspect

    try:
        parameters = list(inspect.signature(function).parameters.values())[1:2]
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(it.kind in positional and (it.default is it.empty or it.name == "params") for it in parameters)


def _other_version(version):
    return f"this worker speaks version {CONTRACT} of the contract, not {version}"


def _error(reason):
    """The field of a reply that fails as a whole."""
    return '"error":' + json.dumps(reason)


def _reason(error, n_before):
    """Why there is no value, in one line. The traceback goes to standard error, unless many went before it."""
    text = " ".join(str(error).split())
    reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if len(reason) > MOST_CHARACTERS:
        reason = reason[:MOST_CHARACTERS] + "…"
    trace = error.__traceback__
    if trace is not None:
        while trace.tb_next is not None:
            trace = trace.tb_next
        code = trace.tb_frame.f_code
        reason += f" ({os.path.basename(code.co_filename)}, line {trace.tb_lineno})"
    if n_before < MOST_TRACEBACKS:
        import traceback

        try:
            traceback.print_exception(type(error), error, error.__traceback__)
        except Exception:
            # Nobody reads it, or it cannot be written; the reason is in the reply.
            pass
    return reason


def _plain(value):
    """A value of NumPy, and of what resembles it, for the encoder."""
    for name in ("tolist", "item"):
        method = getattr(value, name, None)
        if callable(method):
            plain = method()
            if type(plain) is not type(value):
                return plain
    raise TypeError(f"a value of type {type(value).__name__} is not JSON")


_ENCODER = json.JSONEncoder(allow_nan=False, default=_plain, separators=(",", ":"))


def _encoded(value):
    """A value as JSON text.

    Raises ValueError or TypeError with what is wrong with it.
    """
    try:
        return _ENCODER.encode(value)
    except RecursionError:
        raise ValueError("the value is nested too deeply for JSON") from None
    except ValueError as error:
        what = _not_finite(value, 0)
        if what is not None:
            verb = "has" if isinstance(value, (dict, list, tuple)) else "is"
            raise ValueError(f"the value {verb} {what}, which JSON does not know") from None
        raise ValueError(f"the value is not JSON: {error}") from None


def _not_finite(value, depth):
    """`NaN` or `Infinity`, if it is one or has one within."""
    if isinstance(value, float):
        if value != value:
            return "NaN"
        return "Infinity" if value in (float("inf"), float("-inf")) else None
    if depth > 100:
        return None
    if isinstance(value, dict):
        value = list(value.values())
    elif not isinstance(value, (list, tuple)):
        try:
            value = [_plain(value)]
        except TypeError:
            return None
    return next(filter(None, (_not_finite(it, depth + 1) for it in value)), None)


def _fields(values, errors):
    """The fields of a reply as JSON text: all values at once; one by one if some are not JSON, and then these are errors."""
    try:
        text = _ENCODER.encode(values)
    except (ValueError, TypeError, RecursionError):
        texts = []
        for position, value in enumerate(values):
            try:
                texts.append(_encoded(value))
            except (ValueError, TypeError) as error:
                errors[position] = " ".join(str(error).split())[:MOST_CHARACTERS]
                texts.append("null")
        text = "[" + ",".join(texts) + "]"
    if not errors:
        return '"values":' + text
    errors = {str(position): errors[position] for position in sorted(errors)}
    return '"values":' + text + ',"errors":' + json.dumps(errors)


class _Channels:
    """Requests and replies, on descriptors that neither the function nor what it starts can get in the way of."""

    def __init__(self):
        self.input = os.dup(0)
        _become(0, os.open(os.devnull, os.O_RDONLY))
        try:
            self.output = int(os.environ.get("SQUALL_REPLIES_FD", ""))
            os.set_inheritable(self.output, False)
        except (ValueError, OSError):
            # What is printed goes where errors go, so that only replies are on standard output.
            self.output = os.dup(1)
            os.dup2(2, 1)
        self.pending = b""
        self.lines = []
        self.has_ended = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.close)

    def close(self):
        for descriptor in (self.input, self.output):
            try:
                os.close(descriptor)
            except OSError:
                pass

    def next(self):
        """The next line; `None` at the end."""
        while not self.lines and not self.has_ended:
            self._read()
        return self.lines.pop(0) if self.lines else None

    def is_given_up(self, id_):
        """Whether this request has been; also if whoever asked is gone."""
        import select

        while not self.has_ended and select.select([self.input], [], [], 0)[0]:
            self._read()
        if any(b"cancel" in line and _message(line).get("cancel") == id_ for line in self.lines):
            self.lines.clear()
            return True
        return self.has_ended

    def _read(self):
        chunks = [self.pending]
        while True:
            chunk = os.read(self.input, 1 << 18)
            if not chunk:
                self.has_ended = True
                return
            chunks.append(chunk)
            if b"\n" in chunk:
                break
        *lines, self.pending = b"".join(chunks).split(b"\n")
        self.lines.extend(lines)

    def reply(self, text):
        for printed in (sys.stdout, sys.stderr):
            try:
                printed.flush()
            except (AttributeError, ValueError, OSError):
                # It was closed, or nobody reads it.
                pass
        left = memoryview(text.encode() + b"\n")
        while left:
            left = left[os.write(self.output, left):]


def _become(descriptor, other):
    os.dup2(other, descriptor)
    os.close(other)


def _message(line):
    """A line as an object, empty if it is none."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _serve(worker):
    """Speaks the contract until the end of input; the exit status."""
    channels = _Channels()
    while (line := channels.next()) is not None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            # Of many items one may be what Python cannot read; each will be asked again by itself.
            if found := re.match(rb'\{"id":(\d+),', line):
                reason = json.dumps(f"Python cannot read the request: {type(error).__name__}: {error}")
                channels.reply(f'{{"id":{found[1].decode()},"error":{reason}}}')
            continue
        if not isinstance(message, dict):
            continue
        if "hello" in message:
            problem = _shake_hands(worker, message)
            if problem is not None:
                channels.reply(f'{{"squall":{CONTRACT},"error":{json.dumps(problem)}}}')
                return 1
            version = "" if worker.version is None else f',"version":{json.dumps(str(worker.version))}'
            channels.reply(f'{{"squall":{CONTRACT},"ready":true,"name":{json.dumps(worker.name)}{version}}}')
        elif "items" in message and "id" in message:
            id_ = message["id"]
            fields = worker.outcome(message["items"], lambda: channels.is_given_up(id_))
            if fields is not None:
                channels.reply(f'{{"id":{id_},{fields}}}')
            elif not channels.has_ended:
                channels.reply(f'{{"id":{id_},"cancelled":true}}')
    return 0


def _shake_hands(worker, message):
    """Gets ready; or why it cannot."""
    if message.get("squall") != CONTRACT:
        return _other_version(message.get("squall"))
    try:
        worker.set_up(message["hello"].get("params"))
    except (Exception, SystemExit) as error:
        return _reason(error, 0)
    return None


def _item(text):
    """An item that a person typed: JSON, or else the text itself."""

    def refuse(name):
        raise ValueError(name)

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return text


def _by_hand(worker, arguments):
    """Prints a value for each argument, or for each line of standard input; the exit status."""
    params = None
    if "--params" in arguments:
        position = arguments.index("--params")
        if position + 1 == len(arguments):
            sys.exit("--params: nothing follows; expected JSON")
        params = _item(arguments[position + 1])
        arguments = arguments[:position] + arguments[position + 2:]
    elif not arguments and sys.stdin.isatty():
        print("items, one on each line; Ctrl-D ends", file=sys.stderr)
    worker.set_up(params)
    lines = arguments or (line.strip() for line in sys.stdin)
    status = 0
    for position, line in enumerate(line for line in lines if line):
        reply = json.loads("{" + worker.outcome([_item(line)]) + "}")
        reason = reply.get("errors", {}).get("0", reply.get("error"))
        if reason is not None:
            print(f"item {position}: {reason}", file=sys.stderr)
            status = 1
        print(json.dumps(reply.get("values", [None])[0]), flush=not arguments)
    return status


def _serve_runtime_api(worker, endpoint):
    """Answers the invocations of a Lambda function, for ever."""
    import http.client

    connection = http.client.HTTPConnection(endpoint)

    def call(method, path, body=None, headers=None):
        connection.request(method, "/2018-06-01/runtime/invocation/" + path, body, headers or {})
        response = connection.getresponse()
        return response, response.read()

    while True:
        response, body = call("GET", "next")
        if response.status != 200:
            print(f"the Runtime API says {response.status}: {body[:200]!r}", file=sys.stderr)
            return 1
        id_ = response.headers["Lambda-Runtime-Aws-Request-Id"]
        if id_ is None:
            return 0
        text, problem = None, None
        try:
            text = worker.response(json.loads(body))
        except (ValueError, RecursionError) as error:
            problem = f"the event is not JSON: {error}"
        sys.stdout.flush()
        if text is not None:
            answer, said = call("POST", f"{id_}/response", text.encode(), {"Content-Type": "application/json"})
            problem = f"the Runtime API says {answer.status}: {said[:200]!r}" if answer.status >= 400 else None
        if problem is not None:
            error = json.dumps({"errorType": "Squall", "errorMessage": problem})
            call("POST", f"{id_}/error", error.encode(), {"Content-Type": "application/json"})
