import io

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hardware.codecs.picture_files import dots_of


def made(kind: str, **how: object) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (321, 123), "white").save(kept, kind, **how)
    return kept.getvalue()


def test_a_picture_s_size_is_in_its_head() -> None:
    for picture in (
        made("PNG"),
        made("JPEG"),
        made("JPEG", progressive=True),
        made("JPEG", exif=b"Exif\0\0" + b"x" * 400),
    ):
        assert dots_of(picture) == (321, 123)
    assert dots_of(made("TIFF")) is None and dots_of(b"%PDF-1.7") is None


@given(st.binary(max_size=200), st.integers(0, 400), st.sampled_from([b"", made("PNG")[:40], made("JPEG")[:400]]))
def test_any_bytes_are_survived(noise: bytes, at: int, head: bytes) -> None:
    found = dots_of(head[:at] + noise)
    assert found is None or all(side >= 0 for side in found)
