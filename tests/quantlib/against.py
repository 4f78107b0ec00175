"""What the comparisons with QuantLib share: prices of a job by Squall, and the worst difference."""

import json
import math
import subprocess
import sys
import tempfile


def prices(squall, positions, market, **input_):
    """The report's `positions` by id, for the text of a positions file and a market.

    squall: path of the binary. input_: further fields of the job's input.
    """
    a_currency = next(iter(market["curves"].values()))["currency"]
    scenarios = {"type": "explicit", "csv": f"scenario,rate:{a_currency}\nbase,0\n"}
    report = {"positions": True, "histogram": 0}
    job_input = {"positions": {"csv": positions}, "market": market, "scenarios": scenarios, "report": report, **input_}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as job:
        json.dump({"workload": "portfolio", "input": job_input}, job)
        job.flush()
        run = subprocess.run([squall, "run", "--json", "-q", job.name], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"squall run: exit {run.returncode}: {run.stderr[:2000]}")
    return {position["id"]: position for position in json.loads(run.stdout)["report"]["positions"]}


class Worst:
    """The largest difference that was seen of one figure."""

    def __init__(self, name, tolerance):
        """tolerance: the largest difference that is right, in the figure's unit."""
        self.name, self.tolerance, self.n, self.difference, self.what = name, tolerance, 0, 0.0, ""

    def see(self, what, ours, theirs):
        """One case: `what` describes it for whoever must find it again."""
        self.n += 1
        difference = abs(ours - theirs)
        if math.isnan(difference):
            difference = math.inf
        if difference > self.difference:
            self.difference, self.what = difference, f"{what}: {ours!r}, QuantLib {theirs!r}"

    def end(self):
        """Prints a line; whether all were right."""
        is_right = self.n > 0 and self.difference <= self.tolerance
        print(f"{'ok ' if is_right else 'BAD'} {self.name}: {self.n} cases, worst difference {self.difference:.3g}, allowed {self.tolerance:.3g}")
        if not is_right:
            print(f"    {self.what}")
        return is_right
