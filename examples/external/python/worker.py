"""A worker by the contract alone: how many steps a positive integer takes to 1, where even ones are halved, and odd ones tripled plus one."""
import json, os, sys

def steps(n):
    count = 0
    while n > 1:
        n, count = (3 * n + 1 if n % 2 else n // 2), count + 1
    return count

if "SQUALL_CONTRACT" not in os.environ:  # by hand: python3 worker.py 27
    print(*(steps(int(n)) for n in sys.argv[1:] or sys.stdin), sep="\n")
    sys.exit()
replies = open(int(os.environ["SQUALL_REPLIES_FD"]), "w")
for message in map(json.loads, sys.stdin):
    reply = {"squall": 1, "ready": True}
    if "items" in message:
        reply = {"id": message["id"], "values": [], "errors": {}}
        for position, n in enumerate(message["items"]):
            is_good = type(n) is int and n > 0
            reply["values"].append(steps(n) if is_good else None)
            if not is_good:
                reply["errors"][position] = f"{n!r} is no positive integer"
    if "cancel" not in message:
        print(json.dumps(reply), file=replies, flush=True)
