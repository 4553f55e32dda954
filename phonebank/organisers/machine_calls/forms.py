"""The form in which an organiser describes an evening of calls that a machine dials. The evening is
then simulated."""

from flask_wtf import FlaskForm
from wtforms import IntegerField
from wtforms.validators import InputRequired, NumberRange

from phonebank.machine_calls.simulations import CALLERS_AT_MOST


class SimulationForm(FlaskForm):
    """The form that describes the evening to simulate. It asks how many callers there are, how many
    of 100 calls a person answers, and how many seconds a call takes."""

    callers = IntegerField(
        "How many callers?",
        [
            InputRequired("Enter a number of callers."),
            NumberRange(1, CALLERS_AT_MOST, f"Enter 1 to {CALLERS_AT_MOST} callers."),
        ],
        default=20,
    )
    answers = IntegerField(
        "Of 100 calls, how many does a person answer?",
        [
            InputRequired("Enter a number of calls."),
            NumberRange(2, 60, "Enter 2 to 60 calls of 100."),
        ],
        default=15,
        description="10 to 20 is usual.",
    )
    talk = IntegerField(
        "How many seconds does a call take?",
        [
            InputRequired("Enter a number of seconds."),
            NumberRange(30, 1800, "Enter 30 to 1,800 seconds."),
        ],
        default=90,
        description="On average, including the time to write down how it ended. A short question "
        "takes 90, a conversation 240 or more.",
    )
