from pathlib import Path

from hardware.drivers.code_writer import code_png
from provisioning.bench import run
from provisioning.bench.code_pictures import a4_page, folder_samples
from provisioning.bench.decode import _hit
from provisioning.bench.worn_pages import make


def test_a_drawn_set_gives_recall_and_ratios() -> None:
    found = run("decode", runs=1, each=1)
    assert found["name"] == "decode" and found["figures"]["set"].startswith("drawn here")
    assert set(found["ratios"]) == {"a4_vs_zxing", "a4_without_code_vs_zxing"}
    assert found["figures"]["worse_than_a_library"] == []
    assert found["figures"]["recall"]["code128"] == found["baseline"]["recall"]["zbar"]["code128"] == 100.0
    assert found["baseline"]["recall"]["zbar"]["datamatrix"] == 0.0


def test_a_folder_says_its_answers(tmp_path: Path) -> None:
    for folder, name, kind, text in (
        ("qrcode-1", "1", "qr", "张三"), ("code128-2", "7", "code128", "ZY7"), ("", "photo", "code128", "ZY8"),
    ):  # fmt: skip
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        (place / f"{name}.png").write_bytes(code_png(text, kind))  # type: ignore[arg-type]
        (place / f"{name}.txt").write_text(text + "\n", encoding="utf-8")
    (tmp_path / "without.png").write_bytes(code_png("x", "qr"))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "broken.txt").write_text("x")
    assert [(each.kind, each.answer) for each in folder_samples(tmp_path)] == [
        (None, "x"), ("code128", "ZY7"), (None, "ZY8"), ("qr", "张三"),
    ]  # fmt: skip
    found = run("decode", runs=1, images=tmp_path)
    assert found["figures"]["set"] == "a folder"
    assert found["figures"]["recall"] == {"code128": 100.0, "qr": 100.0, "unknown": 100.0}
    assert found["figures"]["pictures"] == {"code128": 1, "qr": 1, "unknown": 1}


def test_a_folder_is_made_of_pages_and_read(tmp_path: Path) -> None:
    pages, codes = tmp_path / "pages", tmp_path / "codes"
    pages.mkdir()
    a4_page(2).save(pages / "one.png")
    assert make(pages, codes, each=4, seed=7, kinds=("code128",)) == 4
    answers = [path.read_text("utf-8").splitlines() for path in sorted(codes.rglob("*.txt"))]
    assert [len(each) for each in answers] == [1, 1, 1, 2]
    again = tmp_path / "again"
    make(pages, again, each=4, seed=7, kinds=("code128",))
    for path in codes.rglob("*.*"):
        assert path.read_bytes() == (again / path.relative_to(codes)).read_bytes()
    found = run("decode", runs=1, images=codes)
    assert found["figures"]["pictures"] == {"code128": 4}
    assert found["figures"]["recall"]["code128"] >= 75.0 and found["figures"]["worse_than_a_library"] == []


def test_of_several_lines_each_is_to_be_read() -> None:
    one, two = ("ZY1", b"ZY1"), ("ZY2", b"ZY2")
    assert _hit("ZY1\nZY2", [two, one]) and not _hit("ZY1\nZY2", [one])
    assert _hit("ZY1\nZY2", [("ZY1\nZY2", b"ZY1\nZY2")]) and not _hit("ZY1", [two])
