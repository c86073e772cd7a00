"""Settings: strict, with errors that name the key, what was found, what is allowed and the nearest match."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from robustgan import config
from robustgan.config import Number, Spec
from robustgan.errors import InputError


class Inner(Spec):
    rate: Number = 0.5


class Outer(Spec):
    size: int = 1
    inner: Inner = Inner()
    many: tuple[Inner, ...] = ()


@pytest.mark.parametrize(
    ("text", "value"), [("8/255", 8 / 255), ("1e-3", 1e-3), ("0.25", 0.25), ("2", 2.0), (" 1 / 4 ", 0.25)]
)
def test_numbers_that_yaml_calls_strings(text: str, value: float) -> None:
    assert Inner.read({"rate": text}).rate == value


@pytest.mark.parametrize("text", ["eight", "1/0", "", "nan", "inf", ".5.5"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="rate"):
        Inner.read({"rate": text})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_survives_yaml(value: float) -> None:
    assert Inner.read(yaml.safe_load(yaml.safe_dump({"rate": value}))).rate == value


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_are_finite(value: float) -> None:
    with pytest.raises(InputError, match="finite"):
        Inner.read({"rate": value})


def test_a_typo_names_the_nearest_key() -> None:
    with pytest.raises(InputError, match=r"inner\.rat: unknown setting\. Allowed: rate\. Did you mean `rate`\?"):
        Outer.read({"inner": {"rat": 1}})


def test_a_typo_inside_a_list_is_found() -> None:
    with pytest.raises(InputError, match=r"many\.1\.raet: unknown setting.*Did you mean `rate`"):
        Outer.read({"many": [{"rate": 1}, {"raet": 2}]})


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(InputError) as error:
        Outer.read({"size": "big", "sise": 2})
    assert len(str(error.value).splitlines()) == 2


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Outer().size = 2  # type: ignore[misc]


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean `pgd`"):
        config.plugin("attacks", {"kind": "pdg"}, "attacks.0")


@pytest.mark.parametrize("settings", [None, [], "pgd", {}, {"name": "pgd"}])
def test_what_is_no_plugin_is_refused(settings: object) -> None:
    with pytest.raises(InputError, match="expected a mapping with `kind`"):
        config.plugin("attacks", settings, "attacks.0")


def test_a_plugin_that_lacks_a_method_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half.py").write_text("from robustgan.interfaces import Attack\n\nclass Half(Attack):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(config, "module_of", lambda package, kind: kind)
    with pytest.raises(InputError, match="half: Half does not define perturb"):
        config.plugin("attacks", {"kind": "half"})


def test_a_key_given_twice_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("a: 1\nb: 2\na: 3\n")
    with pytest.raises(InputError, match="line 1: key given twice: a"):
        config.read_yaml(tmp_path / "c.yaml")


@pytest.mark.parametrize("text", ["- 1\n", "a: [", "", "!!python/object/apply:os.system ['true']\n"])
def test_yaml_that_is_no_config_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(InputError, match=r"c\.yaml"):
        config.read_yaml(tmp_path / "c.yaml")


def test_a_missing_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        config.read_yaml(tmp_path / "none.yaml")


def test_overrides_reach_into_lists_and_make_new_values() -> None:
    settings = {"a": {"b": [{"c": 1}, {"c": 2}]}}
    assert config.override(settings, "a.b.1.c=8/255") == {"a": {"b": [{"c": 1}, {"c": "8/255"}]}}
    assert config.override(settings, "a.d=[1, 2]")["a"]["d"] == [1, 2]
    assert settings == {"a": {"b": [{"c": 1}, {"c": 2}]}}


@pytest.mark.parametrize("assignment", ["a", "=1", "a.b.7.c=1", "a.b.x=1", "a.b.0.c.d=1"])
def test_overrides_that_lead_nowhere_are_refused(assignment: str) -> None:
    with pytest.raises(InputError, match="--set"):
        config.override({"a": {"b": [{"c": 1}, {"c": 2}]}}, assignment)


def test_plugins_are_listed_and_planned_without_torch() -> None:
    code = """
import sys
from robustgan import cli, config, schema
for package in ("attacks", "datasets", "models"):
    assert all(config.summary(package, kind) for kind in config.kinds(package)), package
schema.config_schema()
heavy = {"torch", "timm", "art", "torchvision", "torchmetrics"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
