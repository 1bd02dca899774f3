"""Starting and ending peers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import environment
from tests.peers.environment import Process, modules_of, python_of

SERVE = "import sys, time; print({line!r} + sys.argv[-1], flush=True); {then}"


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of a peer that needs no package, with its environment kept apart from the real ones."""
    home = tmp_path_factory.mktemp("peers")
    folder = home / "toy"
    folder.mkdir()
    (folder / "requirements.txt").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment, "PEERS", home / "var")
        yield folder


@pytest.mark.timeout(1200)
def test_built_once_and_again_when_the_lock_changes(peer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    python = python_of(peer)
    assert python_of(peer) == python
    assert capsys.readouterr().err.count("installing toy") == 1

    (peer / "requirements.txt").write_text("unhashed==1.0\n")
    with pytest.raises(RuntimeError, match="hash"):
        python_of(peer)

    (peer / "requirements.txt").write_text("# another lock\n")
    assert python_of(peer).exists()
    assert capsys.readouterr().err.count("installing toy") == 2


def test_a_process_lives_and_dies(peer: Path) -> None:
    (peer / "serve.py").write_text(SERVE.format(line="READY http://127.0.0.1:", then="time.sleep(60)"))
    process = Process(peer).start()
    assert process.url == "http://127.0.0.1:0"
    assert process.pid > 0
    process.kill()
    with pytest.raises(RuntimeError, match="not running"):
        _ = process.pid
    with Process(peer) as again:
        assert again.pid > 0


def test_a_process_that_never_becomes_ready(peer: Path) -> None:
    (peer / "serve.py").write_text(SERVE.format(line="no ", then="sys.exit('out of coffee')"))
    with pytest.raises(RuntimeError, match="out of coffee"):
        Process(peer).start()
    (peer / "serve.py").write_text(SERVE.format(line="soon ", then="time.sleep(60)"))
    with pytest.raises(RuntimeError, match="did not become ready"):
        Process(peer, ready_within=0.5).start()


@pytest.mark.node
@pytest.mark.timeout(400)
def test_a_peer_in_javascript(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "PEERS", tmp_path / "var")
    folder = tmp_path / "script"
    folder.mkdir()
    package = {"name": "script", "version": "1.0.0"}
    (folder / "package.json").write_text(json.dumps(package))
    (folder / ".npmrc").write_text("audit=false\n")
    (folder / "package-lock.json").write_text(json.dumps({**package, "lockfileVersion": 3, "packages": {"": package}}))
    (folder / "serve.js").write_text(
        "console.log(`READY http://127.0.0.1:0/${process.env.NODE_PATH}`); setTimeout(() => {}, 60000)"
    )
    with Process(folder) as process:
        assert process.url.endswith(str(modules_of(folder)))
    assert capsys.readouterr().err.count("installing script") == 1

    with (folder / "package-lock.json").open("a") as lock:
        lock.write("\n")
    modules_of(folder)
    assert capsys.readouterr().err.count("installing script") == 1, "once more, for another lock"
