import importlib
from importlib import metadata
from types import SimpleNamespace

import pytest

from thermark.core.errors import ConfigError, SetupError
from thermark.portability import doctor, pins
from thermark.portability.doctor import Diagnosis

VERSIONS = {"numpy": "2.4.6", "torch": "2.13.0+cpu", "onnxruntime": "1.28.0"}


def fake(name: str, version: str, record: str | None = "") -> SimpleNamespace:
    return SimpleNamespace(metadata={"Name": name}, version=version, read_text=lambda file: record)


CV2 = "cv2/__init__.py,sha256=x,1\ncv2/cv2.abi3.so,,\n"
HEADLESS = fake("opencv-python-headless", "4.14.0.94", "opencv_python_headless.libs/x.so,,\n" + CV2)
OTHERS = [fake("numpy", "2.4.6", "numpy/cv2/x.py,,\n"), fake("editable", "1", None)]


def test_real_metadata_on_disk_is_understood(tmp_path):
    for name, version in (
        ("opencv-python-headless", "4.14.0.94"),
        ("opencv-python", "5.0.0.93"),
        ("numpy", "2.4.6"),
    ):
        folder = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (folder / "RECORD").write_text("cv2/__init__.py,,\n" if "opencv" in name else "numpy/__init__.py,,\n")
    (tmp_path / "broken-1.dist-info").mkdir()
    distributions = list(metadata.distributions(path=[str(tmp_path)]))
    assert doctor.one_opencv(distributions).actual == (
        "2 packages share cv2/: opencv-python 5.0.0.93, opencv-python-headless 4.14.0.94"
    )
    assert doctor.installed(distributions)["numpy"] == "2.4.6"


def test_one_opencv_of_version_4_passes():
    assert doctor.one_opencv([HEADLESS, *OTHERS, HEADLESS]) == Diagnosis(
        "opencv", "ok", "opencv-python-headless 4.14.0.94"
    )


@pytest.mark.parametrize(
    ("owners", "words"),
    [
        ([], "not installed"),
        ([HEADLESS, fake("opencv-contrib-python", "4.14.0.94", CV2)], "2 packages share cv2/"),
        ([fake("opencv-python", "5.0.0.93", CV2)], "opencv-python 5.0.0.93"),
    ],
)
def test_other_opencvs_fail_with_a_cure(owners, words):
    check = doctor.one_opencv([*owners, *OTHERS])
    assert check.mark == "fail" and words in check.actual and ".venv" in check.remedy


@pytest.mark.parametrize(("found", "mark"), [("2.4.6", "ok"), ("1.26.4", "fail"), ("3.0", "fail"), (None, "fail")])
def test_numpy_2(found, mark):
    assert doctor.major("numpy", 2, {"numpy": found} if found else {}).mark == mark


@pytest.mark.parametrize(
    ("found", "mark"),
    [("1.28.0", "ok"), ("1.9.0", "ok"), ("1.29.0", "fail"), ("1.100.1", "fail"), ("2.0", "fail"), (None, "warn")],
)
def test_onnxruntime_that_phones_home_fails(found, mark):
    assert doctor.quiet_onnxruntime({"onnxruntime": found} if found else {}).mark == mark


@pytest.mark.parametrize(
    ("version", "mark"), [((3, 10), "fail"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "fail")]
)
def test_python_range(version, mark):
    assert doctor.python(version).mark == mark


@pytest.mark.parametrize(
    ("mode", "capped", "first", "mark", "words"),
    [
        ("portable", True, (), "ok", "every x86-64 with AVX2"),
        ("portable", False, (), "warn", "without AVX2"),
        ("portable", True, ("numpy", "torch"), "fail", "numpy, torch came before thermark"),
        ("native", True, ("numpy",), "ok", "native"),
        ("exact", True, (), "fail", "THERMARK_ARITHMETIC is 'exact'"),
    ],
)
def test_arithmetic(monkeypatch, mode, capped, first, mark, words):
    monkeypatch.setenv("THERMARK_ARITHMETIC", mode)
    check = doctor.numbers(capped, first)
    assert (check.mark, bool(check.remedy)) == (mark, mark != "ok") and words in check.actual


def test_the_cpu_is_named_with_what_it_can(monkeypatch):
    monkeypatch.setattr(doctor.arithmetic, "cpu", lambda: "A CPU")
    monkeypatch.setattr(doctor.arithmetic, "vector_flags", lambda: frozenset({"fma", "sse2", "avx512bw", "avx2"}))
    assert doctor.cpu().actual == "A CPU: avx2 avx512bw fma"


@pytest.mark.parametrize(("free", "mark"), [(2 * 10**9, "ok"), (2 * 10**9 - 1, "fail")])
def test_disk(free, mark):
    assert doctor.disk(free).mark == mark


@pytest.mark.parametrize(
    ("error", "words"),
    [(ImportError("libcudart.so.13: cannot open"), "libcudart"), (OSError("libEGL.so.1"), "libEGL")],
)
def test_a_package_that_does_not_import_fails(monkeypatch, error, words):
    def broken(name):
        raise error

    monkeypatch.setattr(importlib, "import_module", broken)
    check = doctor.importable("torch")
    assert check.mark == "fail" and words in check.actual and check.remedy


def test_a_gutted_package_fails(monkeypatch):
    # What uninstalling one of two OpenCVs leaves: a namespace without a version.
    monkeypatch.setattr(importlib, "import_module", lambda name: SimpleNamespace())
    assert doctor.importable("cv2").mark == "fail"


PINS = """
# why: everything is pinned
--extra-index-url https://example.org/whl#egg
numpy==2.4.6          # arrays
Torch==2.13.0
typing_extensions==4.16.0 ; python_version >= "3.0"
pywin32==311 ; sys_platform == "win32"
dvc[s3]==3.67.1
"""


@pytest.fixture
def requirements(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text(PINS)
    return path


def test_pins_are_read_with_markers_extras_and_comments(requirements):
    assert pins.pins(requirements) == {
        "dvc": "3.67.1",
        "numpy": "2.4.6",
        "torch": "2.13.0",
        "typing-extensions": "4.16.0",
    }


@pytest.mark.parametrize("line", ["numpy>=2", "numpy", "== 3", "numpy==1,==2"])
def test_a_line_that_pins_nothing_is_an_error(requirements, line):
    requirements.write_text(line)
    with pytest.raises(ConfigError, match="name==version"):
        try:
            pins.pins(requirements)
        except ConfigError as error:
            raise ConfigError(error.remedy, "") from error


def test_pinned_answers_for_every_name(requirements):
    assert pins.pinned(requirements, ["torch", "numba", "numpy"]) == {
        "numba": None,
        "numpy": "2.4.6",
        "torch": "2.13.0",
    }


def test_a_local_suffix_is_the_same_version_and_all_else_is_not(requirements):
    requirements.write_text("numpy==2.4.6\ntorch==2.13.0\n")
    assert doctor.pinned_versions(requirements, VERSIONS).mark == "ok"
    requirements.write_text("numpy==2.4.6\ntorch==2.13.0\nscipy==1.17.1\n")
    wrong = doctor.pinned_versions(requirements, VERSIONS | {"torch": "2.13.1+cpu"})
    assert wrong.mark == "fail"
    assert wrong.actual == "scipy is absent instead of 1.17.1, torch 2.13.1+cpu instead of 2.13.0"
    for nothing in ("", "# numpy==2.4.6", "numpy"):
        requirements.write_text(nothing)
        assert doctor.pinned_versions(requirements, VERSIONS).mark == "fail"


def test_names_are_compared_in_canonical_form():
    assert doctor.installed([fake("Ruamel.YAML", "1"), fake("typing_extensions", "2")]) == {
        "ruamel-yaml": "1",
        "typing-extensions": "2",
    }


@pytest.mark.parametrize(
    ("text", "mark"),
    [("[core]\n    analytics = false\n", "ok"), ("[core]\n analytics = true\n", "fail"), ("", "fail")],
)
def test_dvc_analytics(tmp_path, text, mark):
    (tmp_path / "config").write_text(text)
    assert doctor.dvc(tmp_path / "config").mark == mark


def test_an_absent_dvc_config_fails(tmp_path):
    assert doctor.dvc(tmp_path / "config").mark == "fail"


def test_a_cache_that_cannot_be_written_fails_and_names_the_variable(tmp_path):
    (tmp_path / "file").write_text("")
    check = doctor.cache_folder(tmp_path / "file" / "cache")
    assert check.mark == "fail" and "THERMARK_CACHE" in check.remedy
    assert doctor.cache_folder(tmp_path / "new").mark == "ok"


def test_an_absent_mirror_is_a_warning(tmp_path):
    assert doctor.mirror_folders([tmp_path]).mark == "ok"
    assert doctor.mirror_folders([tmp_path, tmp_path / "gone"]).mark == "warn"


def test_telemetry(monkeypatch):
    for name in doctor.TELEMETRY:
        monkeypatch.setenv(name, "1")
    assert doctor.telemetry().mark == "ok"
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY")
    assert doctor.telemetry().actual == "ORT_DISABLE_TELEMETRY not set"


def test_the_report_ends_with_exit_code_4_when_something_fails(monkeypatch, capsys, tmp_path):
    diagnoses = [
        Diagnosis("a", "ok", "1"),
        Diagnosis("b", "warn", "2", "mind"),
        Diagnosis("c", "fail", "3", "mend"),
    ]
    monkeypatch.setattr(doctor, "doctor", lambda *arguments: diagnoses)
    with pytest.raises(SetupError, match="1 of 3 checks failed: c"):
        doctor.report(tmp_path)
    assert capsys.readouterr().out.splitlines() == [
        "ok    a: 1",
        "warn  b: 2",
        "      -> mind",
        "fail  c: 3",
        "      -> mend",
    ]
    with pytest.raises(SetupError) as error:
        doctor.report(tmp_path, quiet=True)
    assert error.value.code == 4 and capsys.readouterr().out.splitlines() == ["fail  c: 3", "      -> mend"]
    monkeypatch.setattr(doctor, "doctor", lambda *arguments: diagnoses[:2])
    doctor.report(tmp_path, quiet=True)
    assert capsys.readouterr().out == ""


def test_every_check_runs_on_this_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("THERMARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        doctor, "importable", lambda name: Diagnosis(name, "ok", "not tried")
    )  # torch takes seconds
    checks = doctor.doctor(tmp_path / "absent.txt", tmp_path / "absent")
    assert {check.name for check in checks if check.mark == "fail"} >= {"pins", "dvc"}
    assert all(check.remedy for check in checks if check.mark != "ok")
