"""Opens a file written by `ness run` the way its users do, and compares it with the schema (src/output/schema.rs).

The file is named by NESS_TEST_FILE. Every check is also run on copies with one planted defect, and must fail there.
"""

import os
import re
import shutil
import tomllib
from datetime import datetime, timezone

import h5py
import numpy as np
import pytest
import xarray

FILE = os.environ["NESS_TEST_FILE"]
ENGINES = ["h5netcdf", "netcdf4"]
REQUIRED = {"estimates", "theorems", "series", "density", "distributions"}
TEXT = ["program", "title", "source", "command", "experiment", "wgsl", "fingerprint", "backend", "device", "driver", "profile", "precision", "work_unit", "created"]
WHOLE = ["schema", "seed", "trajectories", "steps", "nonfinite", "created_unix"]
REAL = ["wall_seconds", "rate", "dt"]


def groups(path):
    """Paths of the groups that hold variables."""
    found = []
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Group) and any(isinstance(i, h5py.Dataset) for i in item.values()) else None)
    return found


def below(path, parent):
    return [name for name in groups(path) if name.startswith(parent + "/")]


def opened(path, engine, group=None):
    with xarray.open_dataset(path, engine=engine, group=group) as dataset:
        return dataset.load()


def check_run(path, engine):
    run = opened(path, engine).attrs
    for name in TEXT:
        assert type(run[name]) is str, name
    for name in WHOLE:
        assert np.asarray(run[name]).dtype == np.uint64 and np.ndim(run[name]) == 0, name
    for name in REAL:
        assert np.asarray(run[name]).dtype == np.float64 and run[name] > 0, name
    assert run["schema"] == 1 and run["trajectories"] > 0 and run["steps"] > 0
    assert re.fullmatch(r"ness \d+\.\d+\.\d+\S*", run["program"])
    assert "model" in tomllib.loads(run["experiment"])
    assert run["backend"] in ("cpu", "gpu")
    created = datetime.strptime(run["created"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert created.timestamp() == run["created_unix"]
    assert REQUIRED <= {name.split("/")[0] for name in groups(path)}


def check_estimates(path, engine):
    table = opened(path, engine, "estimates")
    assert set(table.sizes) == {"estimate"} and table.sizes["estimate"] > 0
    assert set(table.data_vars) == {"value", "standard_error", "effective_samples", "exact", "z", "unit", "source"}
    for name in ("estimate", "unit", "source"):
        assert all(isinstance(text, str) for text in table[name].values.tolist()), name
    assert len(set(table.estimate.values.tolist())) == table.sizes["estimate"]
    for name in ("value", "standard_error", "effective_samples", "exact", "z"):
        assert table[name].dtype == np.float64 and table[name].dims == ("estimate",), name
    assert np.isfinite(table.value).all() and (table.standard_error >= 0).all()
    # Of values that are 0 but for rounding, z makes room for that.
    rounding = 1e-9 if opened(path, engine, "/").attrs["precision"] == "f64" else 1e-5
    # What is too rare to be compared has no z.
    known = np.isfinite(table.exact) & np.isfinite(table.z) & (table.standard_error > 0) & (abs(table.value - table.exact) > rounding)
    z = (table.value - table.exact) / table.standard_error
    assert np.allclose(table.z[known], z[known], rtol=1e-6, atol=1e-6)


def check_theorems(path, engine):
    table = opened(path, engine, "theorems")
    assert set(table.sizes) == {"theorem"} and table.sizes["theorem"] > 0
    assert set(table.data_vars) == {"value", "standard_error", "expected", "z", "effective_samples", "verdict", "advice"}
    for name in ("theorem", "verdict", "advice"):
        assert all(isinstance(text, str) for text in table[name].values.tolist()), name
    assert set(table.verdict.values.tolist()) <= {"holds", "violated", "undersampled"}


def check_series(path, engine):
    series = opened(path, engine, "series")
    assert set(series.sizes) == {"time"} and (np.diff(series.time) > 0).all()
    observables = [name for name in series.data_vars if f"{name}_variance" in series]
    exact = {f"{name}_exact" for name in observables} & set(series.data_vars)
    assert set(series.data_vars) - exact == {name + end for name in observables for end in ("", "_standard_error", "_variance")}
    for name in observables:
        assert (series[f"{name}_standard_error"] >= 0).all() and (series[f"{name}_variance"] >= 0).all(), name
        assert series[name].attrs["units"] == series[f"{name}_standard_error"].attrs["units"], name


def check_network(path, engine):
    """What flows in a jump process; Langevin files have no such group."""
    if "network" not in groups(path):
        return
    run, network = opened(path, engine).attrs, opened(path, engine, "network")
    assert run["work_unit"] == "events" and network.flux.dims == network.traffic.dims == ("edge",)
    for name in ("flux", "traffic"):
        assert (network[f"{name}_standard_error"] >= 0).all() and network[name].attrs["units"] == "time^-1"
    assert (network.traffic >= abs(network.flux) - 1e-12).all()
    if "state" in network.sizes:
        assert network.occupancy.dims == ("state",) and abs(network.occupancy.sum().item() - 1) < 1e-6
    if "cycle" in network.sizes:
        assert network.affinity.dims == ("cycle",) and np.isfinite(network.affinity).all()


def check_density(path, engine):
    run = opened(path, engine).attrs
    for group in below(path, "density"):
        if "." in group.split("/")[1]:
            check_plane(opened(path, engine, group), group, ())
            continue
        field, x = opened(path, engine, group), group.split("/")[1]
        assert field.density.dims == field.counts.dims == field.density_standard_error.dims == ("time", x)
        assert field.density_mean.dims == field.density_mean_standard_error.dims == (x,)
        assert field.counts.dtype == np.uint64 and (np.diff(field[x]) > 0).all()
        inside_and_out = field.counts.sum(x) + field.counts_below + field.counts_above
        assert (inside_and_out <= run["trajectories"]).all() and (inside_and_out + run["nonfinite"] >= run["trajectories"]).all()
        assert proportional(field.density.values, field.counts.values)


def check_current(path, engine):
    for group in below(path, "current"):
        if "." in group.split("/")[1]:
            field = opened(path, engine, group)
            check_plane(field, group, ("component",))
            assert field.component.values.tolist() == group.split("/")[1].split(".")
            continue
        field, face = opened(path, engine, group), group.split("/")[1] + "_face"
        assert field.current.dims == field.current_standard_error.dims == (face,) and (np.diff(field[face]) > 0).all()


def check_plane(field, group, front):
    """A field in the plane of two coordinates, averaged over time."""
    kind, names = group.split("/")
    axes = tuple(names.split("."))
    for name in {kind, kind + "_standard_error"} | set(field.data_vars):
        assert field[name].dims == front + axes and np.isfinite(field[name]).all(), name
    assert (field[kind + "_standard_error"] >= 0).all() and all((np.diff(field[axis]) > 0).all() for axis in axes)
    area = np.prod([np.diff(field[axis]).mean() for axis in axes])
    assert kind == "current" or 0 < field.density.sum() * area <= 1 + 1e-9


def check_distributions(path, engine):
    run = opened(path, engine).attrs
    for group in below(path, "distributions"):
        table, name = opened(path, engine, group), group.split("/")[1]
        assert table.counts.dims == table.density.dims == (name,) and (np.diff(table[name]) > 0).all()
        total = table.counts.sum().item() + int(table.attrs["underflow"]) + int(table.attrs["overflow"])
        assert run["trajectories"] - run["nonfinite"] <= total <= run["trajectories"]
        assert proportional(table.density.values, table.counts.values)


def proportional(density, counts):
    return counts.sum() > 0 and np.allclose(density, counts * (density.sum() / counts.sum()), rtol=1e-6)


def check_labels(path, engine):
    for group in groups(path):
        dataset = opened(path, engine, group)
        for name, variable in dataset.variables.items():
            assert len(variable.attrs["long_name"]) > 3, f"{group}/{name}"
            text = variable.dtype.kind in "OUST"
            assert text or type(variable.attrs["units"]) is str, f"{group}/{name}"
        assert set(dataset.sizes) <= set(dataset.coords), group


def check_scales(path, engine):
    del engine
    with h5py.File(path) as file:
        for group in groups(path):
            for name, dataset in file[group].items():
                assert dataset.chunks is not None, f"{group}/{name}"
                if h5py.h5ds.is_scale(dataset.id):
                    assert h5py.h5ds.get_scale_name(dataset.id).decode() == name
                    continue
                for axis, dimension in enumerate(dataset.dims):
                    assert len(dimension) == 1 and h5py.h5ds.is_attached(dataset.id, dimension[0].id, axis), f"{group}/{name}"


CHECKS = [check_run, check_estimates, check_theorems, check_series, check_network, check_density, check_current, check_distributions, check_labels, check_scales]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_file_keeps_to_its_schema(check, engine):
    check(FILE, engine)


def replace(file, name, values):
    old = file[name]
    attributes = {key: old.attrs[key] for key in ("units", "long_name") if key in old.attrs}
    del file[name]
    file.create_dataset(name, data=values).attrs.update(attributes)


def observable(file):
    """An observable of the series."""
    return next(f"series/{name}" for name in sorted(file["series"]) if f"{name}_variance" in file["series"])


def first(file, parent):
    return f"{parent}/{sorted(file[parent])[0]}"


def defect(change):
    return pytest.param(change[0], change[1], id=change[0].__name__ + ": " + change[2])


DEFECTS = [
    (check_run, lambda f: f.attrs.__setitem__("schema", np.uint64(2)), "another schema"),
    (check_run, lambda f: f.attrs.__delitem__("fingerprint"), "no fingerprint"),
    (check_run, lambda f: f.attrs.__setitem__("created", "2001-01-01T00:00:00Z"), "wrong date"),
    (check_run, lambda f: f.attrs.__setitem__("experiment", "title ="), "experiment cut off"),
    (check_run, lambda f: f.__delitem__("series"), "no series"),
    (check_estimates, lambda f: f["estimates/value"].__setitem__(0, np.nan), "a value is NaN"),
    (check_estimates, lambda f: f["estimates/exact"].__setitem__(slice(None), f["estimates/value"][:] + 1), "exact values moved"),
    (check_estimates, lambda f: replace(f, "estimates/unit", np.arange(len(f["estimates/unit"]))), "numbers for units"),
    (check_theorems, lambda f: f["theorems/verdict"].__setitem__(0, "perhaps"), "another verdict"),
    (check_series, lambda f: f["series/time"].__setitem__(0, np.nan), "time starts at NaN"),
    (check_series, lambda f: f[observable(f) + "_variance"].__setitem__(-1, -1.0), "negative variance"),
    (check_density, lambda f: f[first(f, "density") + "/counts"].__setitem__((0, 0), f[first(f, "density") + "/counts"][0, 0] + 1), "one trajectory too many"),
    (check_density, lambda f: f[first(f, "density") + "/density"].__setitem__(0, f[first(f, "density") + "/density"][0] * 1.03), "density 3 % off"),
    (check_distributions, lambda f: f[first(f, "distributions")].attrs.__setitem__("overflow", np.uint64(10**9)), "overflow too large"),
    (check_labels, lambda f: f[observable(f)].attrs.__delitem__("units"), "no unit"),
    (check_labels, lambda f: f["theorems/advice"].attrs.__delitem__("long_name"), "no name in words"),
    (check_scales, lambda f: f["series/time"].attrs.__delitem__("REFERENCE_LIST"), "dimension that does not know its variables"),
    (check_scales, lambda f: f[observable(f)].attrs.__delitem__("DIMENSION_LIST"), "variable that does not know its dimension"),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("check", "spoil"), [defect(change) for change in DEFECTS])
def test_a_planted_defect_is_seen(check, spoil, engine, tmp_path):
    copy = shutil.copy(FILE, tmp_path / "spoilt.h5")
    with h5py.File(copy, "a") as file:
        spoil(file)
    with pytest.raises((AssertionError, KeyError, ValueError)):
        check(copy, engine)
