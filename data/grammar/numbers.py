"""Numbers, hours and dates in words."""

from .lexicon import Fixed
from .tables import rows

_WORDS = {int(number): (en, fr) for number, en, fr in rows("numbers.txt")}
_MONTHS = {
    "January": "janvier",
    "March": "mars",
    "May": "mai",
    "June": "juin",
    "July": "juillet",
    "September": "septembre",
    "December": "décembre",
}


def english(number: int) -> str:
    """0 to 999: twenty-one, two hundred and five."""
    if number >= 100:
        hundreds = f"{_WORDS[number // 100][0]} hundred"
        return f"{hundreds} and {english(number % 100)}" if number % 100 else hundreds
    if number in _WORDS:
        return _WORDS[number][0]
    return f"{_WORDS[number - number % 10][0]}-{_WORDS[number % 10][0]}"


def french(number: int) -> str:
    """0 to 999, before a masculine noun: vingt et un, soixante et onze, quatre-vingts, deux cents."""
    if number >= 100:
        hundreds = "cent" if number < 200 else f"{french(number // 100)} cent"
        return f"{hundreds} {french(number % 100)}" if number % 100 else hundreds + "s" * (number >= 200)
    if number in _WORDS:
        return _WORDS[number][1]
    if number > 80:
        return f"quatre-vingt-{french(number - 80)}"
    tens = min(number - number % 10, 60)
    joint = " et " if number % 10 == 1 else "-"
    return f"{french(tens)}{joint}{french(number - tens)}"


def hours() -> list[Fixed]:
    """The hours of the clock, twelve-hour: eight o'clock, half past nine, a quarter to ten, ten past six."""
    times = [Fixed("noon", "midi"), Fixed("midnight", "minuit")]
    for hour in range(1, 12):
        en, fr = english(hour), f"{french(hour)} heures" if hour > 1 else "une heure"
        times += [
            Fixed(f"{en} o'clock", fr),
            Fixed(f"half past {en}", f"{fr} et demie"),
            Fixed(f"a quarter past {en}", f"{fr} et quart"),
            Fixed(f"a quarter to {en}", f"{fr} moins le quart"),
            Fixed(f"ten past {en}", f"{fr} dix"),
            Fixed(f"twenty to {en}", f"{fr} moins vingt"),
        ]
    return times


def _ordinal(number: int) -> str:
    irregular = {1: "first", 2: "second", 3: "third", 5: "fifth", 8: "eighth", 9: "ninth", 12: "twelfth"}
    if number in irregular:
        return irregular[number]
    if number > 20 and number % 10:
        return f"{english(number - number % 10)}-{_ordinal(number % 10)}"
    return english(number).removesuffix("y") + ("ieth" if number >= 20 else "th")


def dates() -> list[Fixed]:
    """Days of some months: the third of May, le trois mai."""
    return [
        Fixed(f"the {_ordinal(day)} of {en}", f"le {'premier' if day == 1 else french(day)} {fr}")
        for en, fr in _MONTHS.items()
        for day in range(1, 31)
    ]
