"""Audio and its WAV encoding."""

from __future__ import annotations

import wave
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from holdfast.output.mime import Audio
from holdfast.output.mime.audio import wav


def decoded(data: bytes) -> tuple[int, int, list[int]]:
    """(channels, rate, samples) of a WAV file."""
    with wave.open(BytesIO(data)) as file:
        frames = file.readframes(file.getnframes())
        assert file.getsampwidth() == 2
        samples = [int.from_bytes(frames[i : i + 2], "little", signed=True) for i in range(0, len(frames), 2)]
        return file.getnchannels(), file.getframerate(), samples


@pytest.mark.parametrize(
    ("samples", "normalize", "channels", "encoded"),
    [
        ([0, 1, -2], True, 1, [0, 16383, -32767]),
        ([0, 0.5, -1], False, 1, [0, 16383, -32767]),
        ([0, 0], True, 1, [0, 0]),
        ([], True, 1, []),
        ([[0, 0.5], [1, 0.25]], True, 2, [0, 32767, 16383, 8191]),
    ],
)
def test_lists_and_arrays_are_encoded_alike(
    samples: list[float], normalize: bool, channels: int, encoded: list[int]
) -> None:
    """Samples become 16-bit numbers, channels interleaved, with numpy and without."""
    for given in (samples, np.array(samples)):
        assert decoded(wav(given, 8000, normalize=normalize)) == (channels, 8000, encoded)


def test_any_iterable_of_numbers_will_do() -> None:
    """A generator is taken for its samples; a rate of numpy's is a number."""
    assert decoded(wav((x / 2 for x in range(3)), np.float64(10)))[1:] == (10, [0, 16383, 32767])


def test_integer_arrays_do_not_overflow() -> None:
    """The loudest 16-bit sample keeps its sign."""
    assert decoded(wav(np.array([-32768, 32767], dtype="int16"), 8000))[2] == [-32767, 32766]


@pytest.mark.parametrize("make", [list, np.array])
@pytest.mark.parametrize(
    ("samples", "normalize", "message"),
    [
        ([0, 2], False, "between -1 and 1 with normalize=False: the loudest is 2"),
        ([0, float("nan")], True, "nan or infinity"),
        ([0, float("inf")], True, "nan or infinity"),
    ],
)
def test_samples_that_cannot_be_played_are_named(
    make: type, samples: list[float], normalize: bool, message: str
) -> None:
    """Too loud or not finite: a ValueError that says which."""
    with pytest.raises(ValueError, match=message):
        wav(make(samples), 8000, normalize=normalize)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([[1, 2], [3]], r"channels of one length, not \[2, 1\]"),
        ([[[1]]], "cannot read samples from list"),
        (np.zeros((1, 1, 1)), "one or two dimensions, not 3"),
        (3, "cannot read samples from int"),
    ],
)
def test_samples_of_another_shape_are_named(samples: object, message: str) -> None:
    """What has no channels is a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        wav(samples, 8000)


def test_samples_are_played() -> None:
    """Samples with a rate become an embedded player."""
    html = Audio([0, 1], rate=8000)._repr_html_()
    assert '<audio  controls="controls" >' in html
    assert '<source src="data:audio/wav;base64,UklGR' in html
    assert 'type="audio/wav" />' in html


def test_options_are_attributes() -> None:
    """autoplay and element_id go into the element."""
    html = Audio(b"x", autoplay=True, element_id="a<b")._repr_html_()
    assert '<audio id="a&lt;b" controls="controls" autoplay="autoplay">' in html


def test_a_file_is_embedded_with_its_type(tmp_path: Path) -> None:
    """A file is read, and its suffix tells the type."""
    path = tmp_path / "a.mp3"
    path.write_bytes(b"abc")
    sources = [Audio(filename=path).src_attr(), Audio(str(path)).src_attr(), Audio(path).src_attr()]
    assert sources == ["data:audio/mpeg;base64,YWJj"] * 3


def test_a_url_is_linked() -> None:
    """With url the sound stays where it is."""
    assert '<source src="https://x/a.ogg?b&amp;c" type="audio/ogg" />' in Audio(url="https://x/a.ogg?b&c")._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "pass data, filename or url"),
        ({"data": [1]}, ValueError, "needs the rate"),
        ({"data": b"x", "embed": False}, ValueError, "pass it as url"),
        ({"data": "nope.wav"}, FileNotFoundError, "no file 'nope.wav'"),
        ({"filename": "nope.wav"}, FileNotFoundError, "no file 'nope.wav'"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    """Each error says what is wrong and what to do."""
    with pytest.raises(error, match=message):
        Audio(**arguments)  # type: ignore[arg-type]
