"""The data plane without an account: ministack on a port of 127.0.0.1, which it prints, until stdin closes.

Its arguments are the services that it has. It answers only requests that are signed with the access key in
AWS_ACCESS_KEY_ID, and keeps nothing else of the environment than PATH: what it runs would inherit it.

The process that starts it holds the other end of stdin and never writes to it. The system closes that end when that
process dies, however it dies, so no emulator outlives the program or the test that wanted it.
"""
import asyncio
import importlib.util
import os
import resource
import shutil
import socket
import sys
import tempfile
import threading
import traceback

if importlib.util.find_spec("cbor2") is None:
    sys.exit("cbor2 is not installed: without it ministack answers PutMetricData and keeps nothing; install cbor2")

KEPT = ("PATH", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "LOG_LEVEL")
ours = {name: os.environ[name] for name in KEPT if name in os.environ}
services = sys.argv[1:]
if not services or not ours.get("AWS_ACCESS_KEY_ID"):
    sys.exit("expected the services as arguments, and the access key that it answers in AWS_ACCESS_KEY_ID")

# Held from here on: whoever connects to this port reaches this process.
listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
port = listener.getsockname()[1]
own_folder = tempfile.mkdtemp(prefix="squall-emulator-")  # everything that it writes, gone with it
os.environ.clear()
os.environ |= {"LOG_LEVEL": "WARNING"} | ours | {
    "GATEWAY_PORT": str(port),
    "SERVICES": ",".join(services),
    "MINISTACK_HOST": "127.0.0.1",
    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",  # what functions are told; without it they call AWS
    "HOME": own_folder,
    "TMPDIR": own_folder,
    "DOCKER_HOST": f"unix://{own_folder}/no-docker",  # it would tidy up containers, and run some
    "PERSIST_STATE": "0",
    "S3_PERSIST": "0",
    "IOT_MTLS_ENABLED": "0",  # these two listen on ports of their own
    "SFTP_ENABLED": "0",
}
tempfile.tempdir = own_folder
sys.argv[1:] = []  # ministack reads arguments of its own
sys.dont_write_bytecode = True  # the patches may lie in a source tree


def leave(code):
    shutil.rmtree(own_folder, ignore_errors=True)
    os._exit(code)  # from any thread, and without waiting for open connections


def leave_with_the_holder():
    while os.read(0, 4096):
        pass
    leave(0)


def serve(app):
    from hypercorn.asyncio import serve as until_it_is_stopped
    from hypercorn.config import Config

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.keep_alive_timeout = 75
    config.loglevel = os.environ["LOG_LEVEL"].upper()
    os.write(1, f"{port}\n".encode())
    os.dup2(2, 1)  # nobody reads on
    asyncio.run(until_it_is_stopped(app, config))


threading.Thread(target=leave_with_the_holder, daemon=True).start()
try:
    from ministack_patches import buckets, callers, found, functions, groups, streams

    import ministack.app  # reads the environment, so not before it is set

    for patches in (functions, streams, groups, buckets, callers):
        patches.patch()
    serve(callers.answered(found(ministack.app, "app"), port, os.environ["AWS_ACCESS_KEY_ID"], services))
except SystemExit as error:
    if isinstance(error.code, str):
        print(error.code, file=sys.stderr, flush=True)
    leave(1 if error.code else 0)
except BaseException:
    traceback.print_exc()
    leave(1)
leave(0)
