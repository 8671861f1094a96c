"""Shops as receipts name them: names of many kinds, numbers of registration and tax, addresses of several lines."""

from texthawk.data.factory import names
from texthawk.data.synth.dice import Dice

OWNERS = (
    "Kim Huat", "Seri Melati", "Golden Lotus", "Ah Seng", "Mutiara", "Sinar Jaya", "Bright Star", "Lim Brothers", "Old Mill",
    "Fresh Valley", "Happy Corner", "Red Lantern", "Blue Whale", "Three Pines", "Sunrise", "Green Leaf", "City Light",
    "Wan & Tan", "Harbour View", "Twin Peaks", "Bukit Indah", "Royal Oak", "Silver Spoon", "Tai Fook", "Permata", "Corner Stone",
)  # fmt: skip
LINES = (
    "Hardware", "Restaurant", "Bakery", "Mini Market", "Stationery", "Trading", "Enterprise", "Supermarket", "Cafe", "Pharmacy",
    "Book Store", "Fruit & Veg", "Home Centre", "Electrical", "Seafood", "Auto Parts", "Kitchen", "Bistro & Cafe", "Gift Shop",
)  # fmt: skip
FORMS = (
    "Sdn Bhd",
    "Sdn. Bhd.",
    "(M) Sdn Bhd",
    "Enterprise",
    "Pte Ltd",
    "S/B",
    "Bhd",
    "",
    "",
    "",
    "Ltd.",
    "Inc.",
    "& Co.",
)
ROADS = (
    "Mawar", "Cempaka", "Kenanga", "Seroja", "Delima", "Bahagia", "Kasturi", "Pahlawan", "Damai", "Sentosa", "Makmur", "Rajawali",
)  # fmt: skip
TOWNS = (
    ("43000 Kajang", "Selangor"), ("30450 Ipoh", "Perak"), ("75200 Melaka", "Melaka"), ("80100 Johor Bahru", "Johor"),
    ("40000 Shah Alam", "Selangor"), ("50480 Kuala Lumpur", ""), ("10300 George Town", "Penang"),
    ("70450 Seremban", "N. Sembilan"), ("81300 Skudai", "Johor"), ("47500 Subang Jaya", "Selangor"),
)  # fmt: skip


def shop(dice: Dice, speech: str) -> str:
    """A shop's name as it is written; receipts may print it in capitals."""
    if speech == "zh" or dice.chance(0.3):
        return names.firm(dice, speech)
    form = dice.pick(FORMS)
    owner = dice.pick(OWNERS) if dice.chance(0.7) else dice.pick(names.LAST)
    line = dice.pick(LINES)
    base = f"{line} {owner}" if dice.chance(0.15) else f"{owner} {line}"
    return f"{base} {form}".strip() if form != line else base


def registration(dice: Dice) -> str:
    """A company's number in a register."""
    if dice.chance(0.5):
        return f"{names.digits(dice, 6)}-{dice.pick('ADHKMPTUVWX')}"
    return names.digits(dice, dice.integer(8, 12))


def tax_number(dice: Dice) -> str:
    return dice.pick(("00", "", "0")) + names.digits(dice, dice.integer(9, 10))


def address_lines(dice: Dice, speech: str) -> list[str]:
    """An address as two to four lines; some end with a comma, as they are printed."""
    if speech == "zh":
        street, city = names.address(dice, speech)
        return [city, street] if dice.chance(0.4) else [city + street]
    if dice.chance(0.5):
        return _local(dice)
    street, city = names.address(dice, speech)
    lines = [street, city]
    if dice.chance(0.35):
        lines.insert(
            dice.integer(0, 1), dice.pick(("Unit {}", "Suite {}", "Floor {}", "Shop {}")).format(dice.integer(1, 40))
        )
    if dice.chance(0.25):
        lines.append(dice.pick(("USA", "United Kingdom", "Canada", "Ireland", "Australia")))
    return lines


def joined_address(lines: list[str], speech: str) -> str:
    """An address in one line, as it is asked for: what is printed, with one comma between lines."""
    if speech == "zh":
        return "".join(lines)
    return ", ".join(line.rstrip(",") for line in lines)


def _local(dice: Dice) -> list[str]:
    """Lot, road, estate, postcode with town, and state, as in towns of Malaysia."""
    number = dice.pick(("No. {}", "No {}", "Lot {}", "{}", "No.{}-G", "G-{}", "{}A")).format(dice.integer(1, 399))
    road = f"Jalan {dice.pick(ROADS)}" + dice.pick(
        ("", f" {dice.integer(1, 30)}", f" {dice.integer(1, 30)}/{dice.integer(1, 30)}")
    )
    estate = dice.pick(("Taman {}", "Bandar Baru {}", "Pusat {}", "Kampung {}")).format(dice.pick(ROADS))
    town, state = dice.pick(TOWNS)
    comma = dice.pick((",", ",", ""))
    lines = [f"{number}, {road}{comma}"]
    if dice.chance(0.7):
        lines.append(estate + comma)
    if state and dice.chance(0.4):
        lines += [town + comma, state]
    else:
        lines.append(f"{town}, {state}" if state else town)
    if dice.chance(0.2):
        lines[-1] += "."
    return lines
