import pytest

from hardware import profiles

HEAD = 'kind = "gun"\nline = "hid"\ntitle_zh = "枪"\ntitle_en = "gun"\n'


def test_every_shipped_profile_can_be_read_and_says_what_was_looked_at() -> None:
    assert {
        "escpos-58",
        "escpos-80",
        "hid-gun",
        "ipp-office",
        "network-gun",
        "serial-gun",
        "tspl-203",
        "zpl-203",
    } <= set(profiles.names())
    assert all(profiles.load(name).checklist for name in profiles.names())


@pytest.mark.row("F10.11")
@pytest.mark.parametrize(("name", "width_dots"), [("escpos-58", 384), ("escpos-80", 576)])
def test_both_papers_have_a_profile(name: str, width_dots: int) -> None:
    assert profiles.load(name).width_dots == width_dots


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (HEAD + "bauds = 1\n[checklist]\n", "bauds"),
        (HEAD, "checklist"),
        (HEAD.replace("hid", "zpl") + "[checklist]\n", "line"),
    ],
)
def test_a_wrong_profile_names_its_key(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        profiles.read_profile("mine", text)


def test_an_unknown_name_is_no_path() -> None:
    with pytest.raises(KeyError):
        profiles.load("../profiles/hid-gun")
