"""Writes a small sample of each log format that squall searches: python3 samples.py OUT_DIR

The content is invented, and the same on every run. The layouts are those that the documents of the formats describe: RFC 3164, RFC 5424,
and the user guides of CloudTrail, Elastic Load Balancing, VPC, CloudFront, S3, WAF, CloudWatch Logs and Firehose. `count.py` counts what is
in them."""

import bz2
import gzip
import json
import random
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

ACCOUNT = "123456789012"
REGION = "eu-central-1"
AWS = f"AWSLogs/{ACCOUNT}"
BEGIN = datetime(2026, 11, 30, 20, 40, tzinfo=timezone.utc)
N_RECORDS = 300
HOSTS = ["web-1", "web-2", "web-3", "db-1"]
PATHS = ["/", "/orders", "/orders/17", "/login", "/static/app.js"]
AGENT = "Mozilla/5.0 (X11; Linux x86_64)"


def moments(rng, n=N_RECORDS, hours=3.0):
    """So many moments in order, but for some that are late, as in every log of several threads."""
    span = hours * 3_600_000
    at = sorted(rng.randrange(int(span)) for _ in range(n))
    for idx in range(10, n, 37):
        at[idx], at[idx - 3] = at[idx - 3], at[idx]
    return [BEGIN + timedelta(milliseconds=it) for it in at]


def iso(at, offset=0.0, separator="T", comma="."):
    """A moment in a time zone so many hours east of Greenwich, with milliseconds and without the zone."""
    local = at.astimezone(timezone(timedelta(hours=offset)))
    return f"{local:%Y-%m-%d}{separator}{local:%H:%M:%S}{comma}{local.microsecond // 1000:03}"


def message(rng):
    """A level and a message, as an application writes them."""
    host, path, ms = rng.choice(HOSTS), rng.choice(PATHS), rng.randrange(1, 3000)
    kind = rng.random()
    if kind < 0.08:
        return "ERROR", f"host={host} connection to db-1:5432 refused after {ms} ms"
    if kind < 0.12:
        return "WARN", f"host={host} AccessDenied for user u{rng.randrange(20)} on {path}"
    status = rng.choices([200, 302, 404, 500, 503], [80, 5, 8, 4, 3])[0]
    return "INFO", f"host={host} GET {path} {status} {ms} ms"


def application(rng, separator=" ", comma=",", zone="+0100", offset=1.0, end=b"\n", odd=True):
    """Lines of text with a time each, and some that have none."""
    lines = []
    for idx, at in enumerate(moments(rng)):
        level, text = message(rng)
        line = f"{iso(at, offset, separator, comma)}{zone and ' ' + zone} {level} [worker-{rng.randrange(8)}] {text}"
        lines.append(line.encode())
        if odd and level == "ERROR":
            lines += [b"java.net.ConnectException: refused", b"\tat com.example.Pool.open(Pool.java:71)"]
        if odd and idx % 60 == 7:
            lines[-1] += b" caf\xe9 \xff\xfe not UTF-8"
        if odd and idx % 90 == 11:
            lines[-1] += b" \0\0 NUL"
        if odd and idx == 123:
            lines += [b"", line.encode() + b" " + b"payload " * 5000 + b"ERROR at its end"]
    return end.join(lines) + end


def json_lines(rng, is_epoch):
    """A JSON document on each line, whose time is text or milliseconds since 1970."""
    lines = []
    for idx, at in enumerate(moments(rng)):
        level, text = message(rng)
        time = {"timestamp": int(at.timestamp() * 1000)} if is_epoch else {"ts": iso(at) + "Z"}
        record = {**time, "level": level, "message": text, "n": idx, "quoted": 'a "{[\\'}
        if idx == 50:
            del record["timestamp" if is_epoch else "ts"]
        lines.append(json.dumps(record, separators=(",", ":")))
    return "\n".join(lines).encode() + b"\n"


def syslog_3164(rng):
    """No year and no zone, days before the tenth padded by a space; a line without a priority, as a file has it."""
    lines = []
    for idx, at in enumerate(moments(rng, hours=6.0)):
        level, text = message(rng)
        priority = "" if idx % 5 == 0 else f"<{rng.randrange(24) * 8 + (3 if level == 'ERROR' else 6)}>"
        host = text.split()[0].removeprefix("host=")
        lines.append(f"{priority}{at:%b} {at.day:2} {at:%H:%M:%S} {host} app[{rng.randrange(400, 9000)}]: {level} {text}")
    return "\n".join(lines).encode() + b"\n"


def syslog_5424(rng):
    """Zones of several kinds, structured data, and the nil value for a time."""
    lines = []
    for idx, at in enumerate(moments(rng)):
        level, text = message(rng)
        time = [iso(at) + "Z", iso(at, 1) + "+01:00", iso(at, 5.5) + "+05:30", iso(at, -8) + "-08:00"][idx % 4]
        time = "-" if idx % 71 == 3 else time
        host = text.split()[0].removeprefix("host=")
        data = rng.choice(["-", '[origin ip="192.0.2.1"]', '[exampleSDID@32473 iut="3" eventSource="App \\"x\\] y"]'])
        lines.append(f"<{rng.randrange(192)}>1 {time} {host} app {rng.randrange(9000)} ID{idx} {data} \ufeff{level} {text}")
    return "\n".join(lines).encode() + b"\n"


def cloudtrail(rng):
    """One line with one document."""
    records = []
    for idx, at in enumerate(moments(rng)):
        user = rng.choice(["ana", "ben", "ci"])
        record = {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": f"AIDAEXAMPLE{user.upper()}",
                "arn": f"arn:aws:iam::{ACCOUNT}:user/{user}",
                "accountId": ACCOUNT,
                "userName": user,
                "sessionContext": {"attributes": {"creationDate": "2026-11-30T06:00:00Z", "mfaAuthenticated": "false"}},
            },
            "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "eventSource": "s3.amazonaws.com",
            "eventName": rng.choice(["GetObject", "PutObject", "ListObjects"]),
            "awsRegion": REGION,
            "sourceIPAddress": f"203.0.113.{rng.randrange(9)}",
            "userAgent": "[aws-cli/2.31 \u00e9 {}]",
            "requestParameters": {"bucketName": "example-bucket", "key": 'odd "key" ]}', "x-id": None},
            "responseElements": None,
            "requestID": f"{rng.randrange(16**16):016X}",
            "eventID": f"{rng.randrange(16**8):08x}-0000-4000-8000-{rng.randrange(16**12):012x}",
            "readOnly": True,
            "eventType": "AwsApiCall",
            "managementEvent": False,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Data",
        }
        if rng.random() < 0.1:
            record |= {"errorCode": "AccessDenied", "errorMessage": "Access Denied"}
        records.append(record)
    return json.dumps({"Records": records}, separators=(",", ":"), ensure_ascii=False).encode()


def load_balancer(rng):
    lines = []
    for at in moments(rng):
        status = rng.choices([200, 302, 404, 500, 502, 503], [80, 5, 8, 3, 2, 2])[0]
        target, target_status = ("-", "-") if status == 503 else (f"10.0.0.{rng.randrange(1, 5)}:8080", status)
        address = f"203.0.113.{rng.randrange(9)}:{rng.randrange(1024, 65536)}"
        started = at - timedelta(milliseconds=20)
        arn = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/web/0123456789abcdef"
        url = f"https://www.example.com:443{rng.choice(PATHS)}"
        lines.append(
            f"https {iso(at)}456Z app/web/0123456789abcdef {address} {target} 0.001 0.017 0.000 {status} {target_status} "
            f'{rng.randrange(9000)} {rng.randrange(90_000)} "GET {url} HTTP/1.1" "{AGENT}" TLS_AES_128_GCM_SHA256 TLSv1.3 '
            f'{arn} "Root=1-692ca000-{rng.randrange(16**24):024x}" "www.example.com" "-" 0 {iso(started)}456Z "forward" "-" "-" '
            f'"{target}" "{target_status}" "-" "-" TID_{rng.randrange(16**32):032x}'
        )
    return "\n".join(lines).encode() + b"\n"


def flows(rng, fields):
    lines = [fields]
    for at in moments(rng):
        start = int(at.timestamp())
        action = rng.choices(["ACCEPT", "REJECT"], [9, 1])[0]
        record = {
            "version": 2 if fields.startswith("version") else 5,
            "account-id": ACCOUNT,
            "interface-id": f"eni-0123456789abcdef{rng.randrange(3)}",
            "srcaddr": f"203.0.113.{rng.randrange(9)}",
            "dstaddr": "10.0.0.5",
            "srcport": rng.randrange(1024, 65536),
            "dstport": rng.choice([22, 443, 500]),
            "protocol": 6,
            "packets": rng.randrange(1, 99),
            "bytes": rng.randrange(40, 90_000),
            "start": start,
            "end": start + rng.randrange(10, 60),
            "action": action,
            "log-status": "OK",
            "vpc-id": "vpc-0123456789abcdef0",
            "flow-direction": rng.choice(["ingress", "egress"]),
            "pkt-srcaddr": "203.0.113.1",
        }
        if rng.random() < 0.02:
            empty = set(record) & set("srcaddr dstaddr srcport dstport protocol packets bytes action pkt-srcaddr".split())
            record |= dict.fromkeys(empty, "-") | {"log-status": "NODATA"}
        lines.append(" ".join(str(record[field]) for field in fields.split()))
    return "\n".join(lines).encode() + b"\n"


FLOW_FIELDS = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
OWN_FLOW_FIELDS = "vpc-id interface-id flow-direction action srcaddr pkt-srcaddr dstaddr dstport bytes end start account-id version"

CLOUDFRONT_FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query "
    "cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol "
    "ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte "
    "x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end"
)


def cloudfront(rng):
    lines = ["#Version: 1.0", f"#Fields: {CLOUDFRONT_FIELDS}"]
    for at in moments(rng):
        status = rng.choices([200, 304, 403, 502], [80, 10, 6, 4])[0]
        result = {200: "Hit", 304: "RefreshHit"}.get(status, "Error")
        fields = dict.fromkeys(CLOUDFRONT_FIELDS.split(), "-") | {
            "date": f"{at:%Y-%m-%d}",
            "time": f"{at:%H:%M:%S}",
            "x-edge-location": rng.choice(["FRA56-P4", "LHR61-P1"]),
            "sc-bytes": rng.randrange(90_000),
            "c-ip": rng.choice(["203.0.113.7", "2001:db8::7"]),
            "cs-method": "GET",
            "cs(Host)": "d111111abcdef8.cloudfront.net",
            "cs-uri-stem": rng.choice(PATHS),
            "sc-status": status,
            "cs(User-Agent)": AGENT.replace(" ", "%20"),
            "x-edge-result-type": result,
            "cs-protocol": "https",
            "time-taken": f"0.{rng.randrange(1000):03}",
        }
        lines.append("\t".join(str(it) for it in fields.values()))
    return "\n".join(lines).encode() + b"\n"


def s3_access(rng):
    owner = "79a5" * 16
    lines = []
    for at in moments(rng):
        denied = rng.random() < 0.1
        status, error = (403, "AccessDenied") if denied else rng.choices([(200, "-"), (503, "SlowDown")], [95, 5])[0]
        key = rng.choice(["a.csv", "b%20c.csv", "d/e.csv"])
        lines.append(
            f"{owner} example-bucket [{at:%d/%b/%Y:%H:%M:%S} +0000] 203.0.113.{rng.randrange(9)} "
            f"arn:aws:iam::{ACCOUNT}:user/{rng.choice(['ana', 'ben'])} {rng.randrange(16**16):016X} REST.GET.OBJECT {key} "
            f'"GET /example-bucket/{key} HTTP/1.1" {status} {error} {rng.randrange(900)} 2048 {rng.randrange(90)} - "-" "{AGENT}" - '
            f"ExampleHostId= SigV4 TLS_AES_128_GCM_SHA256 AuthHeader example-bucket.s3.{REGION}.amazonaws.com TLSv1.3 - - {REGION}"
        )
    return "\n".join(lines).encode() + b"\n"


def firewall(rng):
    lines = []
    for at in moments(rng):
        action = rng.choices(["ALLOW", "BLOCK"], [9, 1])[0]
        record = {
            "timestamp": int(at.timestamp() * 1000),
            "formatVersion": 1,
            "webaclId": f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/web/0123",
            "terminatingRuleId": "Default_Action" if action == "ALLOW" else "block-scanners",
            "terminatingRuleType": "REGULAR",
            "action": action,
            "terminatingRuleMatchDetails": [],
            "httpSourceName": "ALB",
            "httpSourceId": f"{ACCOUNT}-app/web/0123456789abcdef",
            "ruleGroupList": [],
            "rateBasedRuleList": [],
            "nonTerminatingMatchingRules": [],
            "httpRequest": {
                "clientIp": f"203.0.113.{rng.randrange(9)}",
                "country": "DE",
                "headers": [{"name": "Host", "value": "www.example.com"}, {"name": "X-Odd", "value": 'ERROR "{'}],
                "uri": rng.choice(PATHS),
                "args": "",
                "httpVersion": "HTTP/1.1",
                "httpMethod": "GET",
                "requestId": f"1-692ca000-{rng.randrange(16**24):024x}",
            },
        }
        lines.append(json.dumps(record, separators=(",", ":")))
    return "\n".join(lines).encode() + b"\n"


def cloudwatch_export(rng):
    """A task's export: before each event its time; an event of several lines has it on the first."""
    lines = []
    for at in sorted(moments(rng)):
        level, text = message(rng)
        lines.append(f"{iso(at)}Z {level} {text}")
        if level == "ERROR":
            lines += ["Traceback (most recent call last):", '  File "app.py", line 7, in handler']
    return "\n".join(lines).encode() + b"\n"


def subscription(rng):
    """The documents that CloudWatch Logs sends to Firehose, each compressed and nothing between them."""
    group = {"owner": ACCOUNT, "logGroup": "/example/app", "logStream": "web", "subscriptionFilters": ["all"]}
    check = "CWL CONTROL MESSAGE: Checking health of destination Firehose."
    control = {"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "", "subscriptionFilters": []}
    documents = [control | {"logEvents": [{"id": "", "timestamp": int(BEGIN.timestamp() * 1000), "message": check}]}]
    events = []
    for idx, at in enumerate(moments(rng)):
        level, text = message(rng)
        text = json.dumps({"level": level, "text": text}) if idx % 3 == 0 else f"{level} {text}"
        events.append({"id": f"{idx:056}", "timestamp": int(at.timestamp() * 1000), "message": text})
        if len(events) == 40 or idx == N_RECORDS - 1:
            documents.append({"messageType": "DATA_MESSAGE"} | group | {"logEvents": events})
            events = []
    return [json.dumps(document, separators=(",", ":")).encode() for document in documents]


def zipped(content):
    return gzip.compress(content, mtime=0)


def samples(seed):
    """The objects: their names and contents."""

    def rng(name):
        return random.Random(f"{seed} {name}")

    day, name = "2026/11/30", f"{ACCOUNT}_%s_{REGION}_%s20261130T2345Z_%s"
    yield "app.log", application(rng("app"))
    plain = {"separator": "T", "comma": ".", "zone": "", "offset": 0.0, "odd": False}
    yield "app-crlf.log", application(rng("crlf"), **plain, end=b"\r\n").removesuffix(b"\r\n")
    yield "empty.log", b""
    yield "app.jsonl", json_lines(rng("jsonl"), False)
    yield "epoch.jsonl", json_lines(rng("epoch"), True)
    records = [json.loads(line) for line in json_lines(rng("pretty"), False).splitlines()]
    yield "pretty.json", "\n".join(json.dumps(record, indent=2) for record in records).encode() + b"\n"
    yield "array.json", json.dumps(records).encode()
    yield "syslog-3164.log", syslog_3164(rng("3164"))
    yield "syslog-5424.log", syslog_5424(rng("5424"))
    trail = name % ("CloudTrail", "", "Mu0KsOhtH1ar15ZZ.json.gz")
    yield f"{AWS}/CloudTrail/{REGION}/{day}/{trail}", zipped(cloudtrail(rng("trail")))
    balancer = name % ("elasticloadbalancing", "app.web.0123456789abcdef_", "10.0.0.9_3n3a1b2c.log.gz")
    yield f"{AWS}/elasticloadbalancing/{REGION}/{day}/{balancer}", zipped(load_balancer(rng("balancer")))
    for flow, fields in (("fl-0123456789abcdef0", FLOW_FIELDS), ("fl-0123456789abcdef1", OWN_FLOW_FIELDS)):
        path = f"{AWS}/vpcflowlogs/{REGION}/{day}/" + name % ("vpcflowlogs", f"{flow}_", "1a2b3c4d.log.gz")
        yield path, zipped(flows(rng(flow), fields))
    yield "cloudfront/E2EXAMPLE1234.2026-11-30-21.1a2b3c4d.gz", zipped(cloudfront(rng("cloudfront")))
    yield "s3-access/2026-11-30-23-45-00-0123456789ABCDEF", s3_access(rng("s3"))
    waf = f"{ACCOUNT}_waflogs_{REGION}_web_20261130T2345Z_1a2b3c4d.log.gz"
    yield f"{AWS}/WAFLogs/{REGION}/web/{day}/23/45/{waf}", zipped(firewall(rng("waf")))
    export = "exported/0f3a1c1e-0000-4000-8000-000000000001/web/000000.gz"
    yield export, zipped(cloudwatch_export(rng("export")))
    sent = [zipped(document) for document in subscription(rng("subscription"))]
    stem = "app-1-2026-11-30-23-45-00-0f3a1c1e-0000-4000-8000-00000000000"
    yield f"firehose/{day}/23/{stem}2", b"".join(sent)
    twice = [zipped(document) for document in subscription(rng("twice"))]
    yield f"firehose/{day}/23/{stem}3.gz", zipped(b"".join(twice))
    halves = [application(rng("first half")), application(rng("second half"))]
    yield "app.log.bz2", b"".join(bz2.compress(half) for half in halves)
    if shutil.which("zstd"):
        frames = [subprocess.run(["zstd", "-q", "-c"], input=it, capture_output=True, check=True).stdout for it in halves]
        yield "app.log.zst", b"".join(frames)
    else:
        print("no zstd command: app.log.zst is left out", file=sys.stderr)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: python3 samples.py OUT_DIR")
    for name, content in samples(13):
        path = Path(sys.argv[1]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
