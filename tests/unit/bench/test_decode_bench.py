from pathlib import Path

from hardware.drivers.code_writer import code_png
from provisioning.bench import run
from provisioning.bench.code_pictures import folder_samples


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
