"""Tables of rows about a session, as text and as HTML."""

from __future__ import annotations

import pickle
import time

import msgspec
import pytest

from holdfast.durable.tables import SHOWN, Table, local_time, size_text


class Row(msgspec.Struct, frozen=True):
    """A row of what tables can hold."""

    name: str
    size: int = 0
    cell: int = 0
    audited: bool = False
    together: tuple[str, ...] = ()


TABLE: Table[Row] = Table([Row("a", 2_500_000, 12), Row("<b>", 7, 3, True)])


def test_text_is_aligned() -> None:
    """Numbers to the right, words to the left, columns without content left out."""
    assert repr(TABLE).splitlines() == [
        "name    size  cell  audited",
        "a     2.5 MB  [12]  no",
        "<b>      7 B   [3]  yes",
    ]


def test_html_is_escaped() -> None:
    """Names and reasons come from the user's values."""
    html = TABLE.html()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert html.count("<tr>") == 3


def test_both_are_in_the_bundle() -> None:
    """Frontends take what they can show."""
    assert TABLE._repr_mimebundle_() == {"text/plain": TABLE.text(), "text/html": TABLE.html()}


def test_an_empty_table_says_so() -> None:
    """In words, not with headings over nothing."""
    empty: Table[Row] = Table()
    assert (repr(empty), empty.html(), empty.data()) == ("nothing", "<em>nothing</em>", [])


def test_very_many_rows_are_not_all_shown() -> None:
    """The display is bounded, the list is not."""
    many: Table[Row] = Table(Row(f"x{i}") for i in range(SHOWN + 5))
    assert repr(many).splitlines()[-1] == "… and 5 more"
    assert many.html().count("<tr>") == SHOWN + 1
    assert len(many.data()) == SHOWN + 5


def test_long_cells_are_cut_in_text() -> None:
    """And their line ends are not the table's."""
    table: Table[Row] = Table([Row("a\nb" + "x" * 200)])
    assert len(repr(table).splitlines()) == 2
    assert "x…  no" in repr(table)


def test_data_is_plain() -> None:
    """Rows are dicts that JSON takes."""
    assert TABLE.data()[1] == {"name": "<b>", "size": 7, "cell": 3, "audited": True, "together": ()}
    assert msgspec.json.decode(msgspec.json.encode(TABLE.data()))[0]["size"] == 2_500_000


def test_a_table_survives_pickling() -> None:
    """It may be a variable or a result like any other."""
    copy = pickle.loads(pickle.dumps(TABLE))
    assert (copy, type(copy)) == (TABLE, type(TABLE))


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345, "12 kB"), (2_500_000, "2.5 MB"), (3 * 10**15, "3000 TB")],
)
def test_sizes_are_read_at_a_glance(size: int, text: str) -> None:
    """Two digits are enough."""
    assert size_text(size) == text


def test_dates_are_those_of_the_readers_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's are in UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        told = local_time("2026-01-02T20:04:05.123456+00:00")
    time.tzset()
    assert (told, local_time("yesterday")) == ("2026-01-03 05:04:05", "yesterday")
