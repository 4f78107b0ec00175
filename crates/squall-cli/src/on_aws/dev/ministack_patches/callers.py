"""Who is answered: only who signs with the access key of this run, or of a role assumed with it, and never a page in a browser.

ministack takes any signature or none, any Host and any Origin, and lets every origin read its answers.
"""
import hmac
import re
from urllib.parse import parse_qsl

from . import replaced

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html
SCOPE = re.compile(r"([^/,\s]+)/[^/,\s]+/[^/,\s]+/([^/,\s]+)/aws4_request")
HEADER = re.compile(rf"AWS4-HMAC-SHA256\s+Credential={SCOPE.pattern}\s*,[^/]*", re.DOTALL)

REPORT = re.compile(r"/_ministack/cfn-response/[0-9a-f-]{32,36}")
# Access keys of roles that callers of this run have assumed.
ASSUMED = set()


def patch():
    from ministack.services import sts

    def remembered(made):
        def make():
            key = made()
            ASSUMED.add(key)
            return key

        return make

    replaced(sts, "_gen_session_access_key", remembered)


def is_known(key, access_key):
    return any(hmac.compare_digest(key.encode(), known.encode()) for known in (access_key, *ASSUMED))


def refusal(scope, hosts, access_key, services):
    """Why a request is not answered, or `None`."""
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    named = [value.strip().lower() for name, value in headers if name == "host"]
    if len(named) != 1 or named[0] not in hosts:
        return "the Host is not this emulator's"
    if any(name == "origin" or name.startswith("sec-fetch-") for name, _ in headers):
        return "it comes from a browser"
    # A stack's custom resource reports to a URL that only it was told, as to a presigned one of AWS's.
    if scope["method"] == "PUT" and REPORT.fullmatch(scope["path"]):
        return None
    if scope["path"].startswith("/_"):
        return "it is about the emulator itself"
    # Every credential that any part of ministack might go by.
    signed = [HEADER.fullmatch(value) for name, value in headers if name == "authorization"]
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    signed += [SCOPE.fullmatch(value) for name, value in query if name.lower() == "x-amz-credential"]
    if any(name.lower() == "awsaccesskeyid" for name, _ in query):
        signed.append(None)
    if not signed:
        return "it is not signed"
    for signature in signed:
        if signature is None or not is_known(signature[1], access_key):
            return "it is not signed with the access key of this run"
        if signature[2] not in services:
            return f"{signature[2]!a} is not among the services of this run"
    return None


def answered(app, port, access_key, services):
    """The same application for this run's callers only, without a word to browsers about who may read."""
    hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def for_ours(scope, receive, send):
        async def told(message):
            if message["type"] == "http.response.start":
                told = [it for it in message["headers"] if not it[0].lower().startswith(b"access-control-")]
                message = message | {"headers": told}
            await send(message)

        if scope["type"] == "lifespan":
            return await app(scope, receive, send)
        if scope["type"] != "http":  # no service of a run has WebSockets
            await receive()
            return await send({"type": "websocket.close", "code": 1008})
        why = refusal(scope, hosts, access_key, services)
        if why is None:
            return await app(scope, receive, told)
        line = f"refused: {why}\n".encode()
        head = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(line)), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 403, "headers": head})
        await send({"type": "http.response.body", "body": line})

    return for_ours
