#!/usr/bin/env python3
"""ness beside rebop, GillesPy2 and hand-written SIMD C: events per CPU-second on the same models, in one run.

    python3 benches/peers/compare.py [--rounds 3] [--scale 1.0] [--models triangle,vilar] [--json FILE]

Everybody uses one thread. A rate is a slope: a run of n trajectories and one of 4 n, the difference in CPU time (user + system, so that a busy machine
does not matter much), so that starting, compiling, exact values and writing files cancel. Rounds are interleaved, and the median of a peer's rates is shown.
Events of a peer that does not count them are its trajectories times the mean of ness; that everybody did the same work is checked: the mean of an
observable, and the mean number of events where it is counted, must agree with those of ness within five standard errors, or the script exits with 1.

ness reads text files (models/*.toml), counts every channel and keeps its statistics; the C programs are written for the one model and keep nothing else.
Needs cargo, g++ with AVX2, and for GillesPy2 the network once (its environment is made under target/peers).
"""
import argparse
import ctypes
import json
import math
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WORK = TARGET / "peers"
# Larger of the two runs, of every peer: ness f64 and f32, C, rebop, GillesPy2; and the estimate of ness that is compared.
MODELS = {
    "triangle": dict(ness=131072, c=262144, rebop=16384, gillespy2=8192, observable=("flux.A-B", 100.0)),
    "birth-death": dict(ness=65536, c=131072, rebop=8192, gillespy2=8192, observable=("mean.X", 1.0)),
    "michaelis-menten": dict(ness=16384, c=32768, rebop=2048, gillespy2=2048, observable=("mean.S", 1.0)),
    "vilar": dict(ness=1024, c=2048, rebop=64, gillespy2=64, observable=("mean.R", 1.0)),
}
PART = 4
AGREE = 5.0


def used(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


class Ness:
    def __init__(self, precision):
        self.name = f"ness {precision}"
        self.precision = precision
        subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
        self.program = TARGET / "release" / "ness"

    def run(self, model, trajectories, seed):
        command = [self.program, "run", HERE / "models" / f"{model}.toml", "-n", str(trajectories), "--seed", str(seed), "--backend", "cpu", "--threads", "1"]
        command += ["--set", f"ensemble.precision={self.precision}", "--json", "-q", "--force", "-o", WORK / "ness.h5"]
        before = used(resource.RUSAGE_CHILDREN)
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        cpu = used(resource.RUSAGE_CHILDREN) - before
        found = json.loads(text)
        name, factor = MODELS[model]["observable"]
        estimate = next(e for e in found["estimates"] if e["name"] == name)
        activity = next(e for e in found["estimates"] if e["name"] == "activity")
        return dict(
            cpu=cpu, events=activity["value"] * trajectories, mean=factor * estimate["value"], error=factor * estimate["standard_error"],
            per_trajectory=(activity["value"], activity["standard_error"]),
        )


class Rebop:
    name = "rebop (macro)"

    def __init__(self):
        command = ["cargo", "bench", "--bench", "peers_rebop", "--no-run", "--message-format=json"]
        lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.splitlines()
        built = [json.loads(line).get("executable") for line in lines if b'"peers_rebop"' in line]
        self.program = next(path for path in built if path)

    def run(self, model, trajectories, seed):
        before = used(resource.RUSAGE_CHILDREN)
        text = subprocess.run([self.program, model, str(trajectories), str(seed)], check=True, stdout=subprocess.PIPE).stdout
        return dict(json.loads(text), cpu=used(resource.RUSAGE_CHILDREN) - before)


class C:
    """Called in this process, so its CPU time is that of this process."""

    name = "C, SIMD f32"

    def __init__(self):
        library = WORK / "ssa.so"
        wide = ["-mprefer-vector-width=512"] if "avx512f" in pathlib.Path("/proc/cpuinfo").read_text() else []
        flags = "-x c++ -O3 -march=native -ffast-math -fno-math-errno -fno-finite-math-only -Wno-psabi -Wno-unknown-pragmas -fPIC -shared".split()
        subprocess.run(["g++", *flags, *wide, "-o", library, HERE / "ssa.c", "-lm"], check=True)
        self.library = ctypes.CDLL(str(library))
        for function in ("g1", "g2a", "g3mm", "g3v"):
            getattr(self.library, function).restype = ctypes.c_long

    def run(self, model, trajectories, seed):
        number, real, integer, word = ctypes.c_long, ctypes.c_float, ctypes.c_int, ctypes.c_uint64
        column = lambda width=1: (ctypes.c_int32 * (trajectories * width))()
        reals = lambda *values: (real * len(values))(*values)
        outputs = [column(20 if model == "vilar" else 1) for _ in range(3)]
        first, second, third = outputs
        calls = {
            # Rates out of A, B and C, forwards and backwards.
            "triangle": lambda: self.library.g1(number(trajectories), real(100), reals(2, 3, 1), reals(0.2, 1, 0.5), word(seed), first, second, third),
            "birth-death": lambda: self.library.g2a(number(trajectories), real(50), real(0.1), real(0.11), integer(100), word(seed), first),
            "michaelis-menten": lambda: self.library.g3mm(
                number(trajectories), real(100), real(0.0017), real(0.5), real(0.1), integer(301), integer(120), word(seed), first, second
            ),
            "vilar": lambda: self.library.g3v(
                number(trajectories), integer(20), real(1), reals(50, 500, 0.01, 50, 50, 5, 10, 0.5, 1, 0.2, 1, 1, 2, 50, 100), word(seed), first, second
            ),
        }
        before = time.process_time()
        events = calls[model]()
        cpu = time.process_time() - before
        values = list(second)[19::20] if model == "vilar" else list(first)
        mean = statistics.fmean(values)
        return dict(cpu=cpu, events=events, mean=mean, error=statistics.stdev(values) / math.sqrt(trajectories))


class GillesPy2:
    name = "GillesPy2 SSACSolver"

    def __init__(self):
        self.python = WORK / "venv" / "bin" / "python"
        if not self.python.exists():
            venv.create(WORK / "venv", with_pip=True)
        present = subprocess.run([self.python, "-c", "import gillespy2, SCons"], stderr=subprocess.DEVNULL).returncode == 0
        if not present:
            subprocess.run([self.python, "-m", "pip", "install", "--quiet", "gillespy2", "numpy", "SCons", "setuptools"], check=True)
        self.workers = {}

    def run(self, model, trajectories, seed):
        if model not in self.workers:
            command = [self.python, HERE / "gillespy2_peer.py", model]
            self.workers[model] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            self.read(model)
        worker = self.workers[model]
        worker.stdin.write(f"{trajectories} {seed}\n")
        worker.stdin.flush()
        return self.read(model)

    def read(self, model):
        line = self.workers[model].stdout.readline()
        if not line:
            sys.exit(f"GillesPy2 ended without an answer on {model}: run {HERE / 'gillespy2_peer.py'} with {self.python} to see why")
        return json.loads(line)


def slope(peer, key, model, scale, seed):
    """Both runs of a peer: CPU seconds and trajectories more in the larger one, and what it measured."""
    large = max(PART * 16, int(MODELS[model][key] * scale))
    small = peer.run(model, large // PART, 2 * seed)
    found = peer.run(model, large, 2 * seed + 1)
    return dict(cpu=found["cpu"] - small["cpu"], trajectories=large - large // PART, large=large, found=found, small=small)


def agreement(name, model, here, reference):
    """Words where a mean differs from the one of ness; nothing where it agrees."""
    z = (here[0] - reference[0]) / math.hypot(here[1], reference[1])
    return None if abs(z) <= AGREE else f"{model}: {name} is {here[0]:.6g} ± {here[1]:.2g}, ness has {reference[0]:.6g} ± {reference[1]:.2g} (z = {z:+.1f})"


def measure(model, peers, rounds, scale, faults):
    rates = {peer.name: [] for _, peer in peers}
    reference = None
    for turn in range(rounds):
        for key, peer in peers:
            run = slope(peer, key, model, scale, 100 * turn + 7)
            found, large = run["found"], run["large"]
            if reference is None:
                reference = found
            mean_events = reference["per_trajectory"]
            events = run["trajectories"] * mean_events[0] if found.get("events") is None else found["events"] - run["small"]["events"]
            if run["cpu"] > 0:
                rates[peer.name].append(events / run["cpu"])
            if found is reference:
                continue
            checks = [("the observable", (found["mean"], found["error"]), (reference["mean"], reference["error"]))]
            if found.get("events") is not None:
                spread = mean_events[1] * math.sqrt(reference["events"] / mean_events[0] / large)
                checks.append(("events a trajectory", (found["events"] / large, spread), mean_events))
            faults += [f"{peer.name}, {fault}" for fault in (agreement(name, model, here, there) for name, here, there in checks) if fault]
    return mean_events[0], {name: statistics.median(all_of) if all_of else float("nan") for name, all_of in rates.items()}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--scale", type=float, default=1.0, help="of the numbers of trajectories")
    arguments.add_argument("--models", default=",".join(MODELS))
    arguments.add_argument("--json", type=pathlib.Path, help="write the rates there, too")
    given = arguments.parse_args()
    chosen = given.models.split(",")
    unknown = [model for model in chosen if model not in MODELS]
    if unknown or given.rounds < 1:
        arguments.error(f"expected models among {', '.join(MODELS)}, and at least one round")
    WORK.mkdir(parents=True, exist_ok=True)
    peers = [("ness", Ness("f64")), ("ness", Ness("f32")), ("rebop", Rebop()), ("gillespy2", GillesPy2()), ("c", C())]
    faults, table = [], {}
    names = [peer.name for _, peer in peers]
    print("| model | events a trajectory | " + " | ".join(f"{name}, events/CPU-s" for name in names) + " | " + " | ".join(f"ness f64 / {name}" for name in names[2:]) + " |")
    print("|---|---" + "|---" * (len(names) + len(names) - 2) + "|")
    for model in chosen:
        events, rates = measure(model, peers, given.rounds, given.scale, faults)
        table[model] = dict(events=events, rates=rates)
        ratios = [f"{rates['ness f64'] / rates[name]:.2f}" for name in names[2:]]
        print(f"| {model} | {events:.1f} | " + " | ".join(f"{rates[name]:.3g}" for name in names) + " | " + " | ".join(ratios) + " |", flush=True)
    if given.json:
        given.json.write_text(json.dumps(table, indent=1) + "\n")
    for fault in faults:
        print(f"NOT THE SAME WORK: {fault}", file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
