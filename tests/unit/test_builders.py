"""Builders give what mezon-sdk 1.8.3 gives, in the form that Mezon's apps read.

builders_expected.json was recorded from mezon-sdk.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from mezon.models import (
    AnimationConfig,
    ButtonMessageStyle,
    InputFieldOption,
    RadioFieldOption,
    SelectFieldOption,
)
from mezon.models._outgoing import received_content
from mezon.structures import ButtonBuilder, InteractiveBuilder
from mezon.structures.interactive_message import get_random_color

EXPECTED = json.loads((Path(__file__).parent / "builders_expected.json").read_text())


def _form() -> InteractiveBuilder:
    form = InteractiveBuilder("T")
    form.interactive["timestamp"] = "2024-01-01T00:00:00"
    chosen = SelectFieldOption(label="a", value="1")
    number = InputFieldOption(defaultValue=5, type="number", textarea=True)
    return (
        form.set_color("#ff5733")
        .set_title("Title")
        .set_url("https://x.example")
        .set_author("C", "i", "u")
        .set_description("D")
        .set_thumbnail("https://t.example")
        .set_image("https://p.example", "10", None)
        .add_field("n", "v")
        .add_field("n2", "v2", True)
        .add_input_field("in", "Input")
        .add_input_field("in2", "Input 2", "hint", number, "desc")
        .add_select_field("se", "Select", [chosen, {"label": "b", "value": "2"}], chosen, "d")
        .add_select_field("se2", "Select", [])
        .add_radio_field(
            "ra",
            "Radio",
            [RadioFieldOption(label="a", value="1", style=2), {"label": "b", "value": "2"}],
            "d",
            2,
        )
        .add_radio_field("ra2", "Radio", [])
        .add_datepicker_field("da", "Date", "when")
        .add_animation("an", AnimationConfig(url_image="u", url_position="p", pool=["a"], repeat=3), "N", "D")
        .add_animation("an2", {"x": 1})
    )


def test_form_equals_the_reference() -> None:
    expected = {key: value for key, value in EXPECTED["embed"].items() if not key.startswith("footer")}
    built = received_content({"embed": [_form().build()]})["embed"][0]
    expected = received_content({"embed": [expected]})["embed"][0]
    fields = {
        one["inputs"]["id"]: one["inputs"]["component"] for one in expected["fields"] if "inputs" in one
    }
    # Where the apps read something else than mezon-sdk writes: texts as defaults, and reels of an animation.
    fields["in2"]["defaultValue"] = "5"
    fields["an"]["pool"] = [["a"]]
    assert expected["image"] == {"url": "https://p.example", "width": 10}
    assert {key: value for key, value in built.items() if key != "footer"} == expected


def test_footer() -> None:
    form = _form()
    assert form.build()["footer"] == EXPECTED["default"]["footer"]
    assert form.set_footer("F").build()["footer"] == EXPECTED["embed"]["footer2"]
    assert form.set_footer("F", "I").build()["footer"] == EXPECTED["embed"]["footer3"]


def test_new_form_has_a_colour_and_the_present_time_with_its_zone() -> None:
    form = InteractiveBuilder().build()
    assert re.fullmatch("#[0-9a-f]{6}", form["color"])
    assert re.fullmatch("#[0-9a-f]{6}", get_random_color())
    made = datetime.fromisoformat(form["timestamp"])
    assert form["timestamp"].endswith("Z")
    assert abs((datetime.now(UTC) - made).total_seconds()) < 60
    assert {key: form[key] for key in EXPECTED["default"]} == EXPECTED["default"]


def test_disabled_input_says_so() -> None:
    form = InteractiveBuilder().add_input_field("f", "F", options=InputFieldOption(disabled=True))
    assert form.build()["fields"][0]["inputs"]["component"]["disabled"] is True


def test_buttons_equal_the_reference() -> None:
    builder = (
        ButtonBuilder()
        .add_button("a", "A", ButtonMessageStyle.PRIMARY)
        .add_button("b", "B", 5, "https://l.example")
        .add_button("c", "C", ButtonMessageStyle.DANGER, None, True)
    )
    built = builder.build()
    assert built == EXPECTED["buttons"]
    assert builder.clear().build() == []
    assert len(built) == 3
