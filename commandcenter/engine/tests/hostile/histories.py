"""Hostile histories, references, packs and archives."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from pathlib import Path

from commandcenter.engine.source.tests.servers import Repo
from commandcenter.engine.tests.hostile.making import (
    BAD,
    Place,
    blob,
    case,
    commit,
    fast_import,
    tar,
    tree,
    write,
    zipped,
)

_FILE = b"M 100644 inline main.py\ndata 4\nx=%d\n\n"


def _plain_tree(repo: Repo) -> str:
    return tree(repo, [("100644", b"main.py", blob(repo, BAD.encode()))])


@case("complete")
def case_commits_of_the_years_1900_and_9999(place: Place) -> Path:
    repo = Repo(place.source)
    made = commit(repo, _plain_tree(repo), author=b"A <a@b> -2208988800 +0000")
    commit(repo, _plain_tree(repo), author=b"A <a@b> 253402300799 +9999", parents=[made])
    return repo.path


@case("complete")
def case_a_commit_of_no_year_at_all(place: Place) -> Path:
    repo = Repo(place.source)
    commit(repo, _plain_tree(repo), author=b"A <a@b> 99999999999999999999 +0000")
    return repo.path


@case("source_empty")
def case_a_repository_without_commits(place: Place) -> Path:
    return Repo(place.source).path


@case("complete")
def case_a_commit_without_files(place: Place) -> Path:
    repo = Repo(place.source)
    repo.commit()
    return repo.path


@case("complete")
def case_a_detached_head(place: Place) -> Path:
    repo = place.repo()
    repo.git("checkout", "-q", "--detach")
    repo.commit({"more.py": BAD})
    return repo.path


@case("complete")
def case_a_thousand_parents(place: Place) -> Path:
    roots = b"".join(
        b"commit refs/heads/r%d\nmark :%d\ncommitter A <a@b> %d +0000\ndata 0\n" % (n, n, n)
        + _FILE % (n % 10)
        for n in range(1, 1001)
    )
    merge = b"commit refs/heads/main\ncommitter A <a@b> 1700000001 +0000\ndata 0\nfrom refs/heads/r1\n"
    # fast-import takes sixteen parents at most: the rest by hand
    folder = fast_import(place, roots + merge + _FILE % 0)
    repo = Repo(folder)
    parents = repo.git("for-each-ref", "--format=%(objectname)", "refs/heads/r*").split()
    commit(repo, _plain_tree(repo), parents=parents)
    return folder


@case("complete", "source_invalid")
def case_replaced_and_grafted_commits(place: Place) -> Path:
    repo = place.repo()
    first = repo.git("rev-parse", "HEAD")
    second = repo.commit({"b.py": BAD})
    repo.git("replace", second, first)
    info = repo.path / ".git" / "info"
    info.mkdir(exist_ok=True)
    (info / "grafts").write_text(f"{first} {second}\n")
    return repo.path


@case("complete", "source_invalid")
def case_a_commit_signed_with_garbage(place: Place) -> Path:
    repo = Repo(place.source)
    commit(
        repo,
        _plain_tree(repo),
        headers=b"gpgsig -----BEGIN PGP SIGNATURE-----\n \x00\xff\n garbage\nmergetag \x00\n",
    )
    return repo.path


@case("complete", "source_invalid")
def case_authors_that_break_lines(place: Place) -> Path:
    repo = Repo(place.source)
    odd = (b"A\x00B <a@b> 1700000000 +0000", b"<> <<>> 1700000000 +0000", b"L" * 500_000 + b" <l@l> 1700000000 +0000",
           b"\xff\xfe <\x1b[2J@b> 1700000000 +0000", b" 1700000000 +0000")  # fmt: skip
    last: list[str] = []
    for author in odd:
        last = [commit(repo, _plain_tree(repo), author=author, parents=last)]
    return repo.path


@case("complete")
def case_a_mailmap_of_a_hundred_thousand_names(place: Place) -> Path:
    text = "".join(f"N{n} <n{n}@x> <a{n}@x>\n" for n in range(100_000)) + "<\n>\n\x00 <a@b>\n" + "x" * 100_000
    return place.repo({".mailmap": text}).path


@case("complete")
def case_a_history_of_twenty_thousand_commits(place: Place) -> Path:
    stream = b"".join(
        b"commit refs/heads/main\ncommitter A%d <a@b> %d +0000\ndata 0\n" % (n % 50, 1_700_000_000 + n)
        + _FILE % (n % 10)
        for n in range(20_000)
    )
    return fast_import(place, stream)


@case("ref_not_found", ref="--upload-pack=touch")
def case_a_ref_asked_for_that_is_an_option(place: Place) -> Path:
    return place.repo().path


@case("complete")
def case_refs_named_like_options(place: Place) -> Path:
    repo = place.repo()
    head = repo.git("rev-parse", "HEAD")
    heads = repo.path / ".git" / "refs" / "heads"
    for name in ("-x", "--exec=sh", "a..b", "a b", "@{1}", "x.lock", "\u202e", "con"):
        (heads / name).write_text(f"{head}\n")
    return repo.path


@case("complete")
def case_refs_that_lead_nowhere(place: Place) -> Path:
    repo = place.repo()
    heads = repo.path / ".git" / "refs" / "heads"
    (heads / "garbage").write_bytes(b"\0\xff" * 100)
    (heads / "gone").write_text("f" * 40 + "\n")
    (heads / "symbolic").write_text(f"ref: {place.outside}/canary.py\n")
    (heads / "linked").symlink_to(place.outside / "canary.py")
    return repo.path


@case("source_invalid")
def case_a_pack_of_garbage(place: Place) -> Path:
    repo = place.repo()
    repo.git("gc", "-q", "--prune=now")
    for pack in (repo.path / ".git" / "objects" / "pack").glob("*.pack"):
        pack.chmod(0o644)
        data = bytearray(pack.read_bytes())
        data[20:-20] = os.urandom(len(data) - 40)
        pack.write_bytes(data)
    return repo.path


@case("source_invalid")
def case_objects_that_lie_about_their_size(place: Place) -> Path:
    repo = place.repo()
    oid = repo.git("rev-parse", "HEAD:main.py")
    loose = repo.path / ".git" / "objects" / oid[:2] / oid[2:]
    loose.chmod(0o644)
    loose.write_bytes(zlib.compress(b"blob 99999999999\0" + b"x" * 1000))
    return repo.path


@case("source_invalid")
def case_a_tree_with_objects_that_are_gone(place: Place) -> Path:
    repo = place.repo()
    oid = repo.git("rev-parse", "HEAD^{tree}")
    (repo.path / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    return repo.path


@case("source_forbidden")
def case_objects_borrowed_from_outside(place: Place) -> Path:
    repo = place.repo()
    info = repo.path / ".git" / "objects" / "info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text(f"{place.outside}\n")
    return repo.path


@case("source_forbidden", "source_not_found")
def case_a_git_folder_elsewhere(place: Place) -> Path:
    place.source.mkdir()
    Repo(place.outside / "repo").commit({"canary.py": BAD})
    (place.source / ".git").write_text(f"gitdir: {place.outside}/repo/.git\n")
    return place.source


# --- archives --------------------------------------------------------------------------------------------------------


@case("complete")
def case_a_tar_that_climbs_links_and_makes_devices(place: Place) -> Path:
    members = [
        tarfile.TarInfo(name) for name in ("ok/main.py", "../climbed.py", str(place.marker), "ok/../../up.py")
    ]
    for kind, name in ((tarfile.SYMTYPE, "ok/link"), (tarfile.LNKTYPE, "ok/hard")):
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, str(place.outside / "canary.py")
        members.append(member)
    through = tarfile.TarInfo("ok/link/inside.py")
    members.append(through)
    for kind, name in (
        (tarfile.CHRTYPE, "ok/null"),
        (tarfile.BLKTYPE, "ok/disk"),
        (tarfile.FIFOTYPE, "ok/pipe"),
    ):
        member = tarfile.TarInfo(name)
        member.type, member.devmajor, member.devminor = kind, 1, 3
        members.append(member)
    return tar(place, members)


@case("archive_bomb")
def case_a_gzip_bomb(place: Place) -> Path:
    path = place.source.with_suffix(".tar.gz")
    info = tarfile.TarInfo("zeros")
    info.size = 300_000_000
    with gzip.open(path, "wb", compresslevel=9) as packed:
        packed.write(info.tobuf())
        for _ in range(300):
            packed.write(bytes(1_000_000))
    return path


@case("archive_bomb")
def case_a_zip_bomb(place: Place) -> Path:
    return zipped(place, {f"{n}": bytes(4_000_000) for n in range(60)})


@case("complete", "archive_invalid")
def case_a_zip_that_climbs(place: Place) -> Path:
    return zipped(
        place,
        {"main.py": BAD.encode(), "../up.py": b"x", "/abs.py": b"x", "C:\\x.py": b"x", "a\\..\\..\\b": b"x"},
    )


@case("archive_invalid")
def case_an_archive_cut_in_the_middle(place: Place) -> Path:
    path = zipped(place, {f"{n}.py": os.urandom(2000) for n in range(20)})
    path.write_bytes(path.read_bytes()[:20_000])
    return path


@case("archive_invalid")
def case_a_sparse_tar_that_claims_terabytes(place: Place) -> Path:
    info = tarfile.TarInfo("sparse.py")
    info.size = 8 << 40
    path = place.source.with_suffix(".tar.gz")
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + b"x" * 512))
    return path


@case("complete")
def case_an_archive_of_archives(place: Place) -> Path:
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("inner.py"))
    return zipped(
        place, {"main.py": BAD.encode(), "bomb.zip": inner.getvalue(), "again.tar.gz": inner.getvalue()}
    )


@case("complete")
def case_a_folder_with_pipes_and_files_that_nobody_may_read(place: Place) -> Path:
    folder = write(place.source, {"main.py": BAD, "closed.py": BAD})
    os.mkfifo(folder / "pipe.py")
    (folder / "closed.py").chmod(0)
    return folder
