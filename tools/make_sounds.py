"""Make the two short sounds of the softphone, so that the softphone loads no sound from another
host.

    python tools/make_sounds.py

The caller hears one sound when they press a key, and the other when the call ends.
"""

import math
import struct
import wave
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "phonebank/static/sounds"
RATE = 8000
# The tones of each sound: hertz and seconds.
SOUNDS = {"key.wav": ((660, 0.06),), "end.wav": ((520, 0.12), (390, 0.18))}
LOUDNESS = 0.25


def samples_of(tones: tuple[tuple[int, float], ...]) -> bytes:
    """Return the 16-bit samples of the tones, one tone after another. Each tone grows louder and
    then fades."""
    samples = []
    for hertz, seconds in tones:
        count = int(RATE * seconds)
        for index in range(count):
            swell = math.sin(math.pi * index / count)
            value = LOUDNESS * swell * math.sin(2 * math.pi * hertz * index / RATE)
            samples.append(struct.pack("<h", round(32767 * value)))
    return b"".join(samples)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, tones in SOUNDS.items():
        with wave.open(str(FOLDER / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(samples_of(tones))


if __name__ == "__main__":
    main()
