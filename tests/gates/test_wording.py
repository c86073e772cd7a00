"""Words that others chose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustgan.gates.wording import cut, legible, markdown, sarif

HOSTILE = (
    "<script>alert(1)</script>|`[x](javascript:1)`\n\r\"']]>&amp;\x00\x1b[31m\u202e@team www.x.org https://x.org #12"
)


@given(st.text())
def test_one_printable_line(words: str) -> None:
    shown = legible(words)
    assert shown.isprintable()
    assert legible(shown) == shown
    shown.encode("utf-8")


def test_what_cannot_be_seen_is_written_out() -> None:
    assert legible("a\x00b\u202ec\ud800") == "a\\u0000b\\u202ec\\ud800"
    assert legible(" two\n lines ") == "two lines"


@given(st.text(alphabet='<>|`[]()*_~#@&"$\\\n\x00/:w.a'))
def test_markdown_holds_no_markup(words: str) -> None:
    shown = markdown(words)
    assert not set("<>\n") & set(shown)
    for i, letter in enumerate(shown):
        if letter in "|`*_[]~":
            assert shown[i - 1] == "\\"
    assert "://" not in shown


def test_markdown_calls_nobody() -> None:
    shown = markdown(HOSTILE)
    for call in ("@team", "www.x", "https://", "#12", "<script", "](", "|`"):
        assert call not in shown


def test_brackets_are_no_links_in_sarif() -> None:
    assert sarif("[text](2)") == "\\[text\\](2)"


@pytest.mark.parametrize(("words", "shown"), [("abc", "abc"), ("abcd", "ab…")])
def test_cut(words: str, shown: str) -> None:
    assert cut(words, 3) == shown
