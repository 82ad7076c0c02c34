"""GillesPy2's compiled SSACSolver on one model of compare.py, in its own environment.

Reads lines `TRAJECTORIES SEED` and answers each with a JSON line {cpu, mean, error, events}; the solver is compiled once, before the first answer.
"""
import json
import logging
import os
import resource
import sys
import sysconfig
import warnings

os.environ["PYTHONPATH"] = sysconfig.get_paths()["purelib"]  # its build step starts an interpreter of its own
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
import gillespy2  # noqa: E402
import numpy  # noqa: E402

TRIANGLE = [(2, "A", "B ab"), (1, "B", "A ba"), (3, "B", "C bc"), (0.5, "C", "B cb"), (1, "C", "A ca"), (0.2, "A", "C ac")]
COUNTERS = ["ab", "ba", "bc", "cb", "ca", "ac"]
VILAR = [
    (1, "Da A", "Dpa"), (1, "Dr A", "Dpr"), (50, "Dpa", "Da A"), (100, "Dpr", "Dr A"), (50, "Da", "Da Ma"), (0.01, "Dr", "Dr Mr"),
    (500, "Dpa", "Dpa Ma"), (50, "Dpr", "Dpr Mr"), (50, "Ma", "Ma A"), (5, "Mr", "Mr R"), (2, "A R", "C"), (1, "C", "R"),
    (10, "Ma", ""), (0.5, "Mr", ""), (1, "A", ""), (0.2, "R", ""),
]
# Species and counts, reactions, times of saves, observable of a trajectory, its events where the model counts them.
MODELS = {
    "triangle": (
        dict(A=1, B=0, C=0, **dict.fromkeys(COUNTERS, 0)), TRIANGLE, [0, 100],
        lambda x: x["ab"][-1] - x["ba"][-1], lambda x: sum(x[name][-1] for name in COUNTERS),
    ),
    "birth-death": (dict(X=100), [(0.1, "X", "X X"), (0.11, "X", "")], [0, 50], lambda x: x["X"][-1], None),
    "michaelis-menten": (
        dict(S=301, E=120, SE=0, P=0), [(0.0017, "S E", "SE"), (0.5, "SE", "S E"), (0.1, "SE", "P E")], [0, 100], lambda x: x["S"][-1], None,
    ),
    "vilar": (dict(Da=1, Dr=1, Dpa=0, Dpr=0, Ma=0, Mr=0, A=0, R=0, C=0), VILAR, list(range(21)), lambda x: x["R"][-1], None),
}


def model_of(name, species, reactions, times):
    model = gillespy2.Model(name=name.replace("-", "_"))
    known = {key: gillespy2.Species(name=key, initial_value=count, mode="discrete") for key, count in species.items()}
    model.add_species(list(known.values()))
    side = lambda text: {known[key]: text.split().count(key) for key in dict.fromkeys(text.split())}
    for number, (rate, reactants, products) in enumerate(reactions):
        constant = gillespy2.Parameter(name=f"k{number}", expression=rate)
        model.add_parameter(constant)
        model.add_reaction(gillespy2.Reaction(name=f"r{number}", reactants=side(reactants), products=side(products), rate=constant))
    model.timespan(gillespy2.TimeSpan(numpy.array(times, float)))
    return model


def cpu():
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def main():
    name = sys.argv[1]
    species, reactions, times, observable, events = MODELS[name]
    model = model_of(name, species, reactions, times)
    solver = gillespy2.SSACSolver(model=model)
    model.run(solver=solver, number_of_trajectories=1, seed=1)
    print(json.dumps({"version": gillespy2.__version__}), flush=True)
    for line in sys.stdin:
        trajectories, seed = map(int, line.split())
        before = cpu()
        results = model.run(solver=solver, number_of_trajectories=trajectories, seed=seed)
        used = cpu() - before
        values = numpy.array([observable(result) for result in results], float)
        fired = float(sum(events(result) for result in results)) if events else None
        answer = {"cpu": used, "mean": values.mean(), "error": values.std(ddof=1) / len(values) ** 0.5, "events": fired}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
