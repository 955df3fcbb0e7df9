"""Fetching datasets, from a server and a git repository of this machine's own."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from conftest import ROOT
from replications.core.data import fetch, records
from replications.core.errors import StudyError

CONTENT = bytes(range(256)) * 20_000


@dataclass
class Server:
    """Serves `CONTENT` at `/whole`, and behind a form at `/behind`; breaks off where it is told."""

    url: str = ""
    ends_after: int | None = None
    asked: list[str | None] = field(default_factory=list)
    etag: str = '"first"'


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.send_response(200)
            if "username=kim&password=right" in form:
                self.send_header("Set-Cookie", "session=kim")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            if self.path == "/behind" and "session=kim" not in self.headers.get("Cookie", ""):
                self.send_error(403)
                return
            if self.path == "/gone":
                self.send_error(404)
                return
            wanted = self.headers.get("Range")
            state.asked.append(wanted)
            start = int(wanted[6:-1]) if wanted else 0
            if self.headers.get("If-Range", state.etag) != state.etag:
                start = 0
            rest = CONTENT[start:]
            self.send_response(206 if start else 200)
            self.send_header("ETag", state.etag)
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            self.wfile.write(rest[: state.ends_after])
            self.close_connection = state.ends_after is not None

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{served.server_port}"
    yield state
    served.shutdown()


def record(folder: Path, url: str, md5: str | None = None, **about: str) -> records.Record:
    """The record `numbers.dvc` of a dataset of one file."""
    out = {"path": "numbers/file.bin", "cache": False, "meta": {"url": url}}
    out |= {"md5": md5, "hash": "md5"} if md5 else {}
    meta = {"title": "Numbers", "licence": "none", "home": "http://numbers.example"} | about
    folder.mkdir(exist_ok=True)
    (folder / "numbers.dvc").write_text(yaml.safe_dump({"meta": meta, "outs": [out]}))
    return records.read_record("numbers", folder)


MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


def test_an_interrupted_download_goes_on(tmp_path: Path, server: Server) -> None:
    own = record(tmp_path, f"{server.url}/whole", MD5)
    server.ends_after = 3_000_000
    with pytest.raises(StudyError, match=r"cannot be reached or broke off; what has come is kept"):
        fetch.fetch(own)
    assert not (tmp_path / "numbers" / "file.bin").exists()
    server.ends_after = None
    fetch.fetch(own)
    [first, second] = server.asked
    assert first is None
    assert second
    assert 2_900_000 < int(second[6:-1]) <= 3_000_000
    assert (tmp_path / "numbers" / "file.bin").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "numbers").iterdir()] == ["file.bin"]
    fetch.fetch(own)
    assert len(server.asked) == 2  # what is there is not fetched again


def test_a_file_that_changed_meanwhile_is_begun_anew(tmp_path: Path, server: Server) -> None:
    own = record(tmp_path, f"{server.url}/whole", MD5)
    server.ends_after = 1_000_000
    with pytest.raises(StudyError):
        fetch.fetch(own)
    server.ends_after, server.etag = None, '"second"'
    fetch.fetch(own)
    assert (tmp_path / "numbers" / "file.bin").read_bytes() == CONTENT


def test_another_file_than_the_recorded_one_is_refused(tmp_path: Path, server: Server) -> None:
    own = record(tmp_path, f"{server.url}/whole", "0" * 32)
    with pytest.raises(StudyError, match=rf"its MD5 is {MD5}, numbers/file\.bin has 0000"):
        fetch.fetch(own)
    assert list((tmp_path / "numbers").iterdir()) == []
    (tmp_path / "numbers" / "file.bin").write_bytes(b"put there by hand")
    with pytest.raises(StudyError, match=r"Remove it and run again"):
        fetch.fetch(own)


def test_what_is_gone_or_cannot_be_reached_explains_itself(tmp_path: Path, server: Server) -> None:
    with pytest.raises(
        StudyError, match=r"/gone: 404 Not Found; it may have moved. Or get it from http://numbers"
    ):
        fetch.fetch(record(tmp_path, f"{server.url}/gone"))
    with pytest.raises(StudyError, match=r"numbers\.invalid cannot be reached"):
        fetch.fetch(record(tmp_path, "http://numbers.invalid/file.bin"))


def test_what_only_a_person_can_get_is_asked_for(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = {"by_hand": "It needs an account.", "sign_in": f"{server.url}/form"}
    own = record(tmp_path, f"{server.url}/behind", MD5, **asks)
    with pytest.raises(StudyError) as refused:
        fetch.fetch(own)
    assert "numbers/file.bin" in str(refused.value)
    assert "set NUMBERS_USERNAME and NUMBERS_PASSWORD" in str(refused.value)
    monkeypatch.setenv("NUMBERS_USERNAME", "kim")
    monkeypatch.setenv("NUMBERS_PASSWORD", "wrong")
    with pytest.raises(StudyError, match="refused the account in NUMBERS_USERNAME"):
        fetch.fetch(own)
    monkeypatch.setenv("NUMBERS_PASSWORD", "right")
    fetch.fetch(own)
    assert (tmp_path / "numbers" / "file.bin").read_bytes() == CONTENT


def test_a_page_in_place_of_an_archive_is_refused(tmp_path: Path, server: Server) -> None:
    """As a site sends one to who is not signed in, with a status that says that all is well."""
    own = record(tmp_path, f"{server.url}/whole")
    [out] = own.outs
    own = own.model_copy(update={"outs": [out.model_copy(update={"path": "numbers/file.zip"})]})
    with pytest.raises(StudyError, match=r"not a zip or tar, or damaged"):
        fetch.fetch(own)
    assert list((tmp_path / "numbers").iterdir()) == []


def run(folder: Path, *command: str) -> str:
    """What a command prints that is run in a folder."""
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


DVC = str(Path(sys.executable).with_name("dvc"))


def with_git_and_dvc(folder: Path) -> Path:
    folder.mkdir()
    run(folder, "git", "init", "-q", ".")
    run(folder, DVC, "init", "-q")
    return folder


def test_dvc_records_what_nobody_published_a_hash_of(tmp_path: Path, server: Server) -> None:
    project = with_git_and_dvc(tmp_path / "project")
    own = record(project / "data", f"{server.url}/whole")
    fetch.fetch(own)
    recorded = records.read_record("numbers", project / "data")
    assert recorded.outs[0].md5 == MD5
    assert recorded.outs[0].size == len(CONTENT)
    assert recorded.outs[0].meta == own.outs[0].meta
    assert "up to date" in run(project, DVC, "status", "data/numbers.dvc")
    (project / "data" / "numbers" / "file.bin").write_bytes(b"altered")
    with pytest.raises(StudyError, match="another file, or damaged"):
        fetch.fetch(recorded)


def test_a_folder_of_a_git_repository_is_imported_at_its_commit(tmp_path: Path) -> None:
    there = tmp_path / "there"
    (there / "Pictures").mkdir(parents=True)
    (there / "Pictures" / "list.txt").write_text("first\n")
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.example")
    run(there, "git", "init", "-q", ".")
    run(there, "git", "add", ".")
    run(there, *git, "commit", "-qm", "First")
    commit = run(there, "git", "rev-parse", "HEAD")
    (there / "Pictures" / "list.txt").write_text("second\n")
    run(there, *git, "commit", "-qam", "Second")
    project = with_git_and_dvc(tmp_path / "project")
    content = yaml.safe_load((ROOT / "data" / "camvid.dvc").read_text())
    content["deps"] = [{"path": "Pictures", "repo": {"url": there.as_uri(), "rev": commit}}]
    content["outs"][0]["meta"] = {"holds": ["list.txt"]}
    (project / "data" / "camvid").mkdir(parents=True)  # as a workflow makes it for its output
    (project / "data" / "camvid.dvc").write_text(yaml.safe_dump(content))
    fetch.fetch(records.read_record("camvid", project / "data"))
    assert (project / "data" / "camvid" / "list.txt").read_text() == "first\n"
    imported = records.read_record("camvid", project / "data")
    assert imported.outs[0].md5
    assert not imported.lacking
    content["deps"][0]["repo"]["url"] = (tmp_path / "nowhere").as_uri()
    (project / "data" / "camvid.dvc").write_text(yaml.safe_dump(content))
    (project / "data" / "camvid" / "list.txt").unlink()
    (project / "data" / "camvid").rmdir()
    with pytest.raises(
        StudyError, match=r"(?s)cannot be imported from .*nowhere at .*Pictures there"
    ):
        fetch.fetch(records.read_record("camvid", project / "data"))


def test_every_record_says_what_a_person_needs_to_know() -> None:
    assert {"camvid", "cityscapes", "kitti", "nyuv2", "pascal_voc"} < set(records.names())
    for own in records.all_records():
        assert own.about.title
        assert own.about.licence
        assert own.about.home.startswith("http")
        for file in own.outs:
            assert file.desc, file.path
            assert file.meta.url or file.meta.package or own.deps or own.about.by_hand, file.path
    with pytest.raises(StudyError, match="no dataset 'nyu2' to fetch; did you mean 'nyuv2'"):
        records.read_record("nyu2")
