"""The user's key: made once, private, and what is sealed with it."""

from __future__ import annotations

import hmac
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from holdfast.durable.faults import KeyUnusable
from holdfast.durable.keys import KEY_NAME, Seal, key_id, user_key


def test_a_key_is_made_once_and_private(tmp_path: Path) -> None:
    """The second call reads what the first one wrote, with mode 0600 and nothing beside it."""
    key = user_key(tmp_path)
    assert (len(key), user_key(tmp_path)) == (32, key)
    assert (tmp_path / KEY_NAME).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_NAME]


def test_kernels_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    """Eight makers in a race end with the same bytes."""
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(user_key, [tmp_path] * 8))) == 1


def test_a_key_is_made_where_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without hard links gets one all the same, and only one."""

    def link(source: object, target: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    key = user_key(tmp_path)
    assert user_key(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == [KEY_NAME]


def test_a_key_is_not_made_for_who_only_looks(tmp_path: Path) -> None:
    """`make=False` says that there is none, and leaves it at that."""
    with pytest.raises(KeyUnusable, match="No such file"):
        user_key(tmp_path, make=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    """The sentence says which mode it has and what to run."""
    user_key(tmp_path)
    (tmp_path / KEY_NAME).chmod(mode)
    with pytest.raises(KeyUnusable, match=f"mode {mode:04o}.*chmod 600"):
        user_key(tmp_path)


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_a_key_of_another_length_is_refused(content: bytes, tmp_path: Path) -> None:
    """A cut or grown key is not written over: the right one may come back."""
    user_key(tmp_path)
    (tmp_path / KEY_NAME).write_bytes(content)
    with pytest.raises(KeyUnusable, match="does not hold 32 bytes"):
        user_key(tmp_path)
    assert (tmp_path / KEY_NAME).read_bytes() == content


def test_a_key_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of another uid is not read."""
    user_key(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(KeyUnusable, match="belongs to user"):
        user_key(tmp_path)


def test_a_link_is_no_key(tmp_path: Path) -> None:
    """A symbolic link in the key's place is not followed."""
    (tmp_path / "elsewhere").write_bytes(b"x" * 32)
    (tmp_path / KEY_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyUnusable):
        user_key(tmp_path)


SEALS = {
    "another body": (b"k", b"i", b"record", b"bodx"),
    "another kind": (b"k", b"i", b"commit", b"body"),
    "another key": (b"K", b"i", b"record", b"body"),
    "another session": (b"k", b"I", b"record", b"body"),
    "a kind that runs into the body": (b"k", b"i", b"record\0bo", b"dy"),
}


@pytest.mark.parametrize(("key", "ident", "kind", "body"), SEALS.values(), ids=SEALS.keys())
def test_a_tag_holds_for_what_it_was_made_for_only(key: bytes, ident: bytes, kind: bytes, body: bytes) -> None:
    """Key, session, kind and body are all part of it."""
    tag = Seal(b"k", b"i").tag(b"record", b"body")
    assert Seal(b"k", b"i").holds(b"record", b"body", tag)
    assert not Seal(key, ident).holds(kind, body, tag)


@pytest.mark.parametrize("body", [b"", b"body", b"b" * 100_000])
def test_a_tag_is_an_hmac(body: bytes) -> None:
    """Made in two halves, it is HMAC-SHA256 under the session's own key, the kind before the body."""
    own = hmac.digest(b"k", b"holdfast session\0i", "sha256")
    assert Seal(b"k", b"i").tag(b"record", body) == hmac.digest(own, b"record\0" + body, "sha256")


def test_the_id_of_a_key_does_not_hold_it() -> None:
    """Eight bytes that differ between keys and are no part of them."""
    assert key_id(b"a" * 32) != key_id(b"b" * 32)
    assert key_id(b"a" * 32) not in b"a" * 32
