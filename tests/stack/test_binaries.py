"""Finding programs, and unpacking them through an apt and a dpkg that the tests play."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.stack import BinaryNotFoundError, ensure_binaries, find_binary
from simulator.stack.binaries import PACKAGES
from simulator.stack.processes import ROOT

PROGRAMS = {
    "prometheus": ("prometheus", "promtool"),
    "prometheus-alertmanager": ("prometheus-alertmanager", "amtool"),
}
# Arguments are `-c FILE update` or `-c FILE download PACKAGE`. The file FAILS_UNTIL_UPDATE stands for lists
# that are missing; an update makes them good, if it goes to lists of its own.
APT = """#!/bin/sh
echo "$3 $4" >> "{log}"
case "$3" in
  update) grep -q Dir::State "$2" && touch "{folder}/updated" ;;
  download)
    if [ -e "{folder}/FAILS" ] || [ -e "{folder}/NO_$4" ]; then echo "E: Unable to locate package $4" >&2; exit 100; fi
    if [ -e "{folder}/FAILS_UNTIL_UPDATE" ] && [ ! -e "{folder}/updated" ]; then exit 100; fi
    if [ -e "{folder}/SLOW" ]; then sleep 0.2; fi
    echo "$4" > "$4_1.0_amd64.deb" ;;
esac
"""
# Arguments are `-f FILE Depends` or `-x FILE FOLDER`. The programs print a page from Debian's fixed place.
DPKG = """#!/bin/sh
package=$(cat "$2")
if [ "$1" = -f ]; then
  case "$package" in
    prometheus) echo "adduser, fonts-icons, libjs-graph (>= 2~), libc6" ;;
    libjs-graph) echo "libjs-paint" ;;
  esac
  exit 0
fi
mkdir -p "$3/usr/bin" "$3/usr/share/prometheus"
case "$package" in
  prometheus) names="prometheus promtool" ;;
  prometheus-alertmanager) names="prometheus-alertmanager amtool" ;;
  *) touch "$3/usr/share/$package"; exit 0 ;;
esac
echo "the page of $package" > "$3/usr/share/prometheus/page"
for name in $names; do
  printf '#!/bin/sh\\ncat /usr/share/prometheus/page\\n' > "$3/usr/bin/$name"
  chmod +x "$3/usr/bin/$name"
done
"""
FETCHED = (
    *("prometheus", "libjs-graph", "libjs-paint", "fonts-icons"),
    "prometheus-alertmanager",
)


class PlayedSystem:
    """A PATH with the usual small tools and a played apt, and a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache, self.path = folder, folder / "cache", folder / "bin"
        self.log = folder / "apt.log"
        self.path.mkdir()
        self.add("apt-get", APT.format(log=self.log, folder=folder))
        self.add("dpkg-deb", DPKG)
        self.environment = {"PATH": f"{self.path}:/usr/bin:/bin", "XDG_CACHE_HOME": str(self.cache)}

    def add(self, name: str, text: str = "#!/bin/sh\n") -> Path:
        file = self.path / name
        file.write_text(text)
        file.chmod(0o755)
        return file

    def asked(self) -> list[str]:
        """What apt was asked for, in order."""
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlayedSystem:
    played = PlayedSystem(tmp_path)
    for name, value in played.environment.items():
        monkeypatch.setenv(name, value)
    for names in PROGRAMS.values():
        if any((Path(folder) / name).exists() for folder in ("/usr/bin", "/bin") for name in names):
            pytest.skip("this machine has the programs installed; nothing would be unpacked")
    return played


def ignore(_: str) -> None:
    """Take a progress line and drop it."""


def test_path_comes_first(system: PlayedSystem) -> None:
    """A program on the PATH is used as it is, under Debian's name too."""
    expected = system.add("prometheus"), system.add("prometheus-alertmanager")
    assert (find_binary("prometheus"), find_binary("alertmanager")) == expected


def test_missing_programs_are_unpacked_once(system: PlayedSystem) -> None:
    """Each package is fetched once; the second call finds everything in the cache."""
    lines: list[str] = []
    found = ensure_binaries(lines.append)
    assert ensure_binaries(ignore) == found
    assert system.asked() == [f"download {package}" for package in FETCHED]
    assert {path.name for path in found.values()} == {name for names in PROGRAMS.values() for name in names}
    assert all(system.cache in path.parents for path in found.values())
    assert "fetching the package prometheus" in lines


def test_missing_lists_are_read_into_a_private_folder(system: PlayedSystem) -> None:
    """Where the system's lists do not serve, fresh ones go to a folder of ours and it works."""
    (system.folder / "FAILS_UNTIL_UPDATE").touch()
    ensure_binaries(ignore)
    assert system.asked()[:3] == ["download prometheus", "update ", "download prometheus"]


def test_unpacked_programs_find_their_files(system: PlayedSystem, tmp_path: Path) -> None:
    """A program that looks for its files where the installed package has them finds the unpacked ones."""
    for name, path in ensure_binaries(ignore).items():
        result = subprocess.run([path], cwd="/", capture_output=True, text=True, timeout=60, check=True)
        assert result.stdout == f"the page of {PACKAGES[name]}\n"


def test_web_parts_are_unpacked_beside_the_program(system: PlayedSystem) -> None:
    """What the package's pages are made of is there with it, and what that needs; other dependencies are not."""
    shared = ensure_binaries(ignore)["prometheus"].parent.parent / "share"
    assert {path.name for path in shared.iterdir()} == {"prometheus", "libjs-graph", "libjs-paint", "fonts-icons"}


def test_missing_web_parts_leave_the_program(system: PlayedSystem) -> None:
    """A part of the pages that cannot be fetched is reported, and the program works without it."""
    (system.folder / "NO_libjs-paint").touch()
    lines: list[str] = []
    ensure_binaries(lines.append)
    assert any("its web pages will be incomplete" in line for line in lines)


def test_failure_gives_apts_words_and_leaves_nothing(system: PlayedSystem) -> None:
    """A package that cannot be fetched is reported with apt's reason and the steps; no folder remains."""
    (system.folder / "FAILS").touch()
    with pytest.raises(BinaryNotFoundError) as caught:
        ensure_binaries(ignore)
    assert "E: Unable to locate package prometheus" in str(caught.value)
    assert "sudo apt-get install prometheus prometheus-alertmanager" in str(caught.value)
    assert [path.name for path in (system.cache / "trading-exporter" / "bin-root").iterdir()] == ["lock"]


def test_two_runs_at_once_fetch_once(system: PlayedSystem) -> None:
    """Of two runs that start together one fetches, and both end well."""
    (system.folder / "SLOW").touch()
    command = [sys.executable, "-m", "simulator.stack", "install"]
    runs = [subprocess.Popen(command, cwd=ROOT, env={**os.environ, **system.environment}) for _ in range(2)]
    assert [run.wait(60) for run in runs] == [0, 0]
    assert sorted(system.asked()) == sorted(f"download {package}" for package in FETCHED)


def test_the_setup_says_where_the_programs_are() -> None:
    """The two that a person starts next, each with its path."""
    command = [sys.executable, "-m", "simulator.stack", "install", "--where"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout
    assert [line.partition(": ")[0] for line in said.splitlines()] == ["prometheus", "alertmanager"]
    for line in said.splitlines():
        assert os.access(line.partition(": ")[2], os.X_OK)


def test_without_apt_the_steps_are_printed(tmp_path: Path) -> None:
    """On a system without apt the install command ends with status 1 and says how to get the programs."""
    result = subprocess.run(
        [sys.executable, "-m", "simulator.stack", "install"],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert "brew install prometheus alertmanager" in result.stderr
    assert "Traceback" not in result.stderr


def test_unwritable_cache_is_reported(system: PlayedSystem) -> None:
    """A cache folder that cannot be made is an error that names it, not a traceback."""
    system.cache.write_text("a file in its place")
    with pytest.raises(BinaryNotFoundError, match=r"cannot write to .*trading-exporter"):
        ensure_binaries(ignore)


def test_real_programs_run(binaries: dict[str, Path]) -> None:
    """What was found or unpacked on this machine says its version."""
    for name, path in binaries.items():
        result = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=True)
        assert name in result.stdout + result.stderr
