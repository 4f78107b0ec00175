"""Functions that run natively, and what delivers streams to them."""
import http.server
import os
import secrets
import socketserver

from . import found, gone, replaced


def patch():
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc
    from ministack.services.cloudformation import provisioners

    # AWS delivers shards side by side, retries, bisects, gives up and keeps what it gave up. ministack delivers one batch
    # after the other, for ever, and takes a partial failure for a success. `squall pump` does as AWS does; two at once would
    # deliver everything twice.
    replaced(lambda_svc, "_poll_kinesis", lambda _: lambda: False)

    # An answer of the Runtime API waits 40 ms for the acknowledgement of its head (Nagle's algorithm).
    found(socketserver.StreamRequestHandler, "disable_nagle_algorithm")
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True

    # An answer of a function waits 50 ms for lines of its log, even if it never writes one.
    drain = found(found(lambda_runtime, "Worker"), "_drain_stderr_bounded")
    if drain.__defaults__ != (0.050, 0.005, 0.250):
        gone("its functions' logs are waited for otherwise")
    drain.__defaults__ = (0.003, 0.002, 0.250)

    # Functions sign as this run does. ministack gives them their account's number as access key.
    def as_this_run(credentials):
        return lambda config: credentials(config) | {"AWS_ACCESS_KEY_ID": os.environ["AWS_ACCESS_KEY_ID"]}

    replaced(lambda_runtime, "execution_credentials", as_this_run)
    replaced(lambda_svc, "execution_credentials", as_this_run)

    # Everybody on the machine can connect to a function's Runtime API, and would be handed its invocations. Only its process is
    # told the path.
    secret = secrets.token_hex(16)

    def told(variables):
        return lambda config, folder, port: variables(config, folder, port) | {
            "AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{port}/{secret}"
        }

    def for_those_told(parse):
        def parsed(request):
            if not parse(request):
                return False
            if request.path.startswith(f"/{secret}/"):
                return True
            request.send_error(404)
            return False

        return parsed

    replaced(lambda_svc, "_provided_worker_env", told)
    replaced(http.server.BaseHTTPRequestHandler, "parse_request", for_those_told)

    # A mapping that a template disables is disabled. ministack says that it is enabled, until the first update.
    def as_told(create):
        def created(logical_id, props, stack_name):
            answer = create(logical_id, props, stack_name)
            if str(props.get("Enabled", True)).lower() == "false":
                lambda_svc._esms[answer[0]] |= {"Enabled": False, "State": "Disabled"}
            return answer

        return created

    found(lambda_svc, "_esms")
    mappings = found(provisioners._RESOURCE_HANDLERS, "AWS::Lambda::EventSourceMapping")
    replaced(mappings, "create", as_told)
