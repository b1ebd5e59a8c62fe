"""The names in traces are those of their golden file, and each is in use."""

import json
from typing import Final

from fanwire.core import span_names
from shared.telemetry.spans import SPANS
from tests.contract.golden import CONTRACT

NAMES: Final = json.loads((CONTRACT / "span_names.json").read_text(encoding="utf-8"))


def test_the_spans_are_named_as_the_file_says() -> None:
    assert [span.name for span in SPANS] == NAMES["spans"]


def test_the_attributes_of_all_spans_are_named_as_the_file_says() -> None:
    carried = {name for span in SPANS for name in span.attributes}
    assert sorted(carried) == NAMES["attributes"]


def test_no_name_is_spelled_that_no_span_has() -> None:
    spelled = {value for name, value in vars(span_names).items() if name.isupper()}
    assert spelled == {*NAMES["spans"], *NAMES["attributes"], span_names.REDIS}
