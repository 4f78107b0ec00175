"""Counts what is in the samples that samples.py writes, by other means than squall: python3 count.py [--inherit] DIR

Prints JSON: for each object its records, its plain bytes, the records without a time, and for each signature how often it occurs, by hour
and group. A signature occurs in a record or does not; its group is what it captured first, and "" without one. A record without a time is
in the hour "unknown"; with --inherit it has the time of the record before it in its object, if there is one.

A record of text is a line; the line end (and a carriage return before it) is no part of it. The times are those of the format: of a flow
its start, of a request to a load balancer or a firewall when it was answered. Times without a year are in 2026 or, if that is before
the samples begin, in 2027; times without a zone are UTC."""

import bz2
import gzip
import json
import re
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

# In every object.
SIGNATURES = {
    "error": rb"ERROR",
    "server-error": rb" 5\d\d ",
    "access-denied": rb"AccessDenied",
    "reject": rb"REJECT",
}
# In objects whose name begins like this or has this in it: the first that fits.
BY_GROUP = [
    ("/CloudTrail/", "denied-by-principal", rb'"arn":"(?P<principal>[^"]+)".*"errorCode":"AccessDenied"'),
    ("/elasticloadbalancing/", "status", rb"(?:\d\.\d{3} ){3}(?P<status>\d{3}) "),
    ("/vpcflowlogs/", "rejected-by-interface", rb"(?P<host>eni-[0-9a-f]+).* REJECT "),
    ("cloudfront/", "status", rb"\t(?P<status>[1-5]\d\d)\t-\tMozilla"),
    ("s3-access/", "status", rb'" (?P<status>\d{3}) '),
    ("/WAFLogs/", "blocked-by-client", rb'"action":"BLOCK".*"clientIp":"(?P<host>[^"]+)"'),
    ("syslog-3164", "errors-by-host", rb"\d\d:\d\d:\d\d (?P<host>\S+) app\[\d+\]: ERROR"),
    ("syslog-5424", "errors-by-host", rb"^<\d+>1 \S+ (?P<host>\S+) .*ERROR"),
    ("", "by-host", rb"host=(?P<host>[a-z]+-\d+)"),
]


def utc(year, month, day, hour, minute, second, offset=timedelta()):
    return datetime(*map(int, (year, month, day, hour, minute, second)), tzinfo=timezone.utc) - offset


def epoch(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc)


ISO = re.compile(rb"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?(?: ?(Z|[+-]\d\d:?\d\d))?")
MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def iso(found):
    """The moment of a match of ISO."""
    if not found:
        return None
    zone = found[7] or b"Z"
    offset = timedelta()
    if zone != b"Z":
        digits = zone[1:].replace(b":", b"")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:])) * (-1 if zone[:1] == b"-" else 1)
    return utc(*found.groups()[:6], offset)


def at_beginning(record):
    return iso(ISO.match(record))


def syslog_3164(record):
    found = re.match(rb"(?:<\d+>)?([A-Z][a-z]{2}) +(\d+) (\d\d):(\d\d):(\d\d) ", record)
    month = MONTHS.index(found[1]) + 1
    return utc(2026 if month > 10 else 2027, month, *found.groups()[1:])


def syslog_5424(record):
    time = record.split(b" ")[1]
    return None if time == b"-" else iso(ISO.fullmatch(time))


def of_json(record):
    document = json.loads(record)
    for key in ("eventTime", "ts"):
        if key in document:
            return iso(ISO.fullmatch(document[key].encode()))
    return epoch(document["timestamp"] / 1000) if "timestamp" in document else None


def of_flow(fields):
    idx = fields.split(b" ").index(b"start")
    return lambda record: None if record == fields else epoch(int(record.split(b" ")[idx]))


def of_balancer(record):
    return iso(ISO.fullmatch(record.split(b" ")[1]))


def of_cloudfront(record):
    return None if record.startswith(b"#") else iso(ISO.match(record.replace(b"\t", b" ", 1)))


def of_s3(record):
    found = re.search(rb"\[(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) \+0000\]", record)
    return utc(found[3], MONTHS.index(found[2]) + 1, *found.group(1, 4, 5, 6))


def unpacked(path):
    content = path.read_bytes()
    while content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    if content[:3] == b"BZh":
        content = bz2.decompress(content)
    if content[:4] == b"\x28\xb5\x2f\xfd":
        content = subprocess.run(["zstd", "-q", "-d", "-c"], input=content, capture_output=True, check=True).stdout
    return content


def lines(content):
    """The lines of a content, of which the last may have no end."""
    found = content.split(b"\n")
    if not found[-1]:
        found.pop()
    return [line.removesuffix(b"\r") for line in found]


def elements(text, at):
    """The texts of the elements of the list that begins before `at`."""
    decoder = json.JSONDecoder()
    found = []
    while True:
        at = re.compile(r"[\s,]*").match(text, at).end()
        if text[at] == "]":
            return found
        _, end = decoder.raw_decode(text, at)
        found.append(text[at:end].encode())
        at = end


def documents(content):
    """The records of JSON that is not lines."""
    text = content.decode()
    decoder = json.JSONDecoder()
    found, at = [], 0
    while at < len(text):
        document, end = decoder.raw_decode(text, at)
        if isinstance(document, list):
            found += elements(text, at + 1)
        elif "Records" in document:
            found += elements(text, re.compile(r'"Records":\s*\[').search(text, at).end())
        elif document.get("messageType") == "DATA_MESSAGE":
            found += elements(text, re.compile(r'"logEvents":\s*\[').search(text, at).end())
        elif "messageType" not in document:
            found.append(text[at:end].encode())
        at = re.compile(r"\s*").match(text, end).end()
    return found


def records_and_times(name, content):
    """The records of an object, and what finds the time of one."""
    if "/CloudTrail/" in name or name.startswith("firehose/") or name in ("pretty.json", "array.json"):
        return documents(content), of_json
    found = lines(content)
    if name.endswith(".jsonl") or "/WAFLogs/" in name:
        return found, of_json
    if "/vpcflowlogs/" in name:
        return found, of_flow(found[0])
    by_name = {
        "syslog-3164": syslog_3164,
        "syslog-5424": syslog_5424,
        "elasticloadbalancing": of_balancer,
        "cloudfront": of_cloudfront,
        "s3-access": of_s3,
        "app": at_beginning,
        "exported": at_beginning,
        "empty": at_beginning,
    }
    return found, next(time for key, time in by_name.items() if key in name)


def count(name, content, is_inherited):
    group = next((label, pattern) for part, label, pattern in BY_GROUP if part in name)
    signatures = {label: re.compile(pattern) for label, pattern in [*SIGNATURES.items(), group]}
    records, time_of = records_and_times(name, content)
    counts = {}
    without_time = 0
    before = None
    for record in records:
        time = time_of(record)
        without_time += time is None
        if is_inherited:
            time = before = time or before
        hour = f"{time:%Y-%m-%dT%H:00:00Z}" if time else "unknown"
        for label, pattern in signatures.items():
            if found := pattern.search(record):
                captured = next(iter(found.groupdict().values()), b"").decode()
                of_hour = counts.setdefault(label, {}).setdefault(hour, {})
                of_hour[captured] = of_hour.get(captured, 0) + 1
    return {"records": len(records), "bytes": len(content), "without_time": without_time, "signatures": counts}


def main():
    arguments = [it for it in sys.argv[1:] if it != "--inherit"]
    if len(arguments) != 1:
        sys.exit("usage: python3 count.py [--inherit] DIR")
    root = Path(arguments[0])
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    counted = {name: count(name, unpacked(root / name), "--inherit" in sys.argv) for name in names}
    print(json.dumps(counted, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
