"""The data plane without an account: ministack on 127.0.0.1 and the port of the first argument, until stdin closes.

The process that starts it holds the other end of stdin and never writes to it. The system closes that end when that
process dies, however it dies, so no emulator outlives the program or the test that wanted it.
"""
import importlib.util
import os
import shutil
import sys
import tempfile
import threading
import traceback

if importlib.util.find_spec("cbor2") is None:
    sys.exit("cbor2 is not installed: without it ministack answers PutMetricData and keeps nothing; install cbor2")

own_folder = tempfile.mkdtemp(prefix="squall-emulator-")  # everything that it writes, gone with it
os.environ |= {
    "BIND_HOST": "127.0.0.1",
    "GATEWAY_PORT": sys.argv[1],
    "MINISTACK_HOST": "127.0.0.1",
    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{sys.argv[1]}",  # what functions are told; without it they call AWS
    "TMPDIR": own_folder,
    "PERSIST_STATE": "0",
    "S3_PERSIST": "0",
    "IOT_MTLS_ENABLED": "0",  # these two listen on ports of their own
    "SFTP_ENABLED": "0",
}
os.environ.setdefault("LOG_LEVEL", "WARNING")
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


threading.Thread(target=leave_with_the_holder, daemon=True).start()
try:
    from ministack_patches import buckets, functions, groups, streams

    from ministack.app import main  # reads the environment, so not before it is set

    for patches in (functions, streams, groups, buckets):
        patches.patch()
    main()
except SystemExit as error:
    if isinstance(error.code, str):
        print(error.code, file=sys.stderr, flush=True)
    leave(1 if error.code else 0)
except BaseException:
    traceback.print_exc()
    leave(1)
leave(0)
