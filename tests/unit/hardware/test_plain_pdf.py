import subprocess
from pathlib import Path

from PIL import Image

from hardware.codecs.plain_pdf import plain_pdf
from hardware.ports import Bitmap


def test_another_program_reads_what_was_drawn(tmp_path: Path) -> None:
    """poppler reads both lines and sees the bitmap black where it is."""
    square = Bitmap(16, 16, b"\xff\xff" * 8 + b"\x00\x00" * 8)
    pages = [["a (b) \\ c", square, "after"], ["second"]]
    (tmp_path / "plain.pdf").write_bytes(plain_pdf(pages))
    told = subprocess.run(["pdftotext", "plain.pdf", "-"], cwd=tmp_path, capture_output=True, check=True, text=True)
    assert [page.split("\n")[0] for page in told.stdout.split("\f")[:-1]] == ["a (b) \\ c", "second"]
    assert "after" in told.stdout
    subprocess.run(["pdftoppm", "-r", "203", "-png", "-singlefile", "plain.pdf", "plain"], cwd=tmp_path, check=True)
    picture = Image.open(tmp_path / "plain.png").convert("L")
    # 56 points from the left; its foot is at 754 points, and 16 dots are 5.67 points high: black above, white below.
    across, foot = (56 + 2.8) / 72 * 203, (842 - 754) / 72 * 203
    assert (
        picture.getpixel((round(across), round(foot - 12))) < 128 <= picture.getpixel((round(across), round(foot - 4)))
    )
