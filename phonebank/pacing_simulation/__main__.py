"""`make simulate` predicts and prints the results of an evening of calling. It does not call
anybody."""

import argparse

from phonebank.pacing.rule import lines_to_dial, progressive
from phonebank.pacing.snapshot import OFCOM
from phonebank.pacing_simulation.evening import Evening, Rule
from phonebank.pacing_simulation.figures import Figures, figures
from phonebank.pacing_simulation.setting import Setting


def main() -> None:
    options = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    options.add_argument("--callers", type=int, default=20)
    options.add_argument("--answers", type=float, default=15, help="people who answer, in percent")
    options.add_argument("--talk", type=float, default=90, help="seconds of a call with wrap-up")
    options.add_argument("--hours", type=float, default=3)
    options.add_argument("--evenings", type=int, default=8)
    asked = options.parse_args()
    setting = Setting(
        callers=asked.callers,
        answer_share=asked.answers / 100,
        talk=asked.talk,
        hours=asked.hours,
    )
    print(
        f"{asked.evenings} evenings of {asked.hours:g} hours, {asked.callers} callers, "
        f"{asked.answers:g}% of the people answer, {asked.talk:g} seconds a call"
    )
    rules: dict[str, Rule] = {"progressive": progressive, "predictive": lines_to_dial}
    for name, rule in rules.items():
        results = [Evening(setting, seed, rule).run() for seed in range(1, asked.evenings + 1)]
        print(f"{name:12} {_sentence(figures(results, OFCOM.ceiling))}")


def _sentence(found: Figures) -> str:
    conversations, share = found.conversations, found.share
    return (
        f"{conversations.value:.1f} ±{conversations.half_width:.1f} conversations an hour for each "
        f"caller, {found.waiting.value:.0f} s waiting between calls, {100 * share.value:.2f} "
        f"±{100 * share.half_width:.2f}% abandoned, {100 * found.worst_share:.2f}% on the worst day"
    )


if __name__ == "__main__":
    main()
