"""Questions for what stands beside a label: by the label itself, or as people ask for it without its words."""

from dataclasses import replace

from texthawk.data.factory.document import Asked
from texthawk.data.factory.order import Order
from texthawk.data.factory.questions import absent, look_up
from texthawk.types import Box

PEOPLE_ASK = {
    "Name": ("What is the name of the person?", "Whose {sheet} is this?", "Which person is named on the {sheet}?"),
    "Date of birth": ("When was the person born?", "What is the birth date?", "On which date was the person born?"),
    "Born": ("When was the person born?", "What is the date of birth?", "What is the birth date?"),
    "Street": ("In which street does the person live?", "What are street and house number?"),
    "City": ("Which city is named?", "What is the name of the city?", "In which city is it?"),
    "Phone": (
        "What is the phone number?",
        "What is the telephone number?",
        "Under which number can the person be called?",
    ),
    "E-mail": ("What is the e-mail address?", "What email address is given?", "What is the email?"),
    "Employer": ("Which company does the person work for?", "Who is the employer?", "Where does the person work?"),
    "Occupation": ("What does the person do for a living?", "What is the person's job?", "What is the profession?"),
    "Passport No.": ("What is the passport number?", "What is the number of the passport?"),
    "Nationality": ("Which nationality does the person have?", "What is the person's nationality?"),
    "Emergency contact": ("Who is to be called in an emergency?", "Who is the emergency contact?"),
    "Start date": ("When does it start?", "On which date does it start?"),
    "Amount": ("How much is the amount?", "What sum is entered?"),
    "Reference": ("What is the reference number?", "Which reference is given?"),
    "Account No.": ("What is the account number?", "What is the number of the account?"),
    "Postcode": ("What is the postal code?", "What is the ZIP code?"),
    "Country": ("In which country is it?", "Which country is named?"),
    "Weight": ("How heavy is it?", "What does it weigh?"),
    "Arrival": ("At what time is the arrival?", "When is the arrival?"),
    "Department": ("Which department is it?", "What is the name of the department?"),
    "Number": (
        "What is the {sheet} number?",
        "What is the number of the {sheet}?",
        "Which number does the {sheet} have?",
    ),
    "Issued": ("When was the {sheet} issued?", "What is the date of issue?", "What is the issue date?"),
    "Valid until": ("Until when is the {sheet} valid?", "When does the {sheet} expire?", "What is the expiry date?"),
    "From": ("Where does the journey begin?", "What is the place of departure?", "From where does it leave?"),
    "To": ("Where does the journey go?", "What is the destination?", "Where does it go?"),
    "Date": ("What is the date on the {sheet}?", "For which date is the {sheet}?", "On which day is it?"),
    "Seat": ("What is the seat number?", "Which seat is it?", "What seat is reserved?"),
    "Price": ("How much does the {sheet} cost?", "What is the price of the {sheet}?", "How much was paid for it?"),
    "Departure": ("When does it leave?", "At what time is the departure?", "What is the departure time?"),
    "Gate": ("Which gate is it?", "What is the gate number?"),
    "Doors open": ("When do the doors open?", "At what time do the doors open?"),
    "Row": ("Which row is it?", "What is the row number?"),
    "Code": ("What number is printed below the barcode?", "Which number is below the bars?"),
    "姓名": ("是谁的{sheet}？", "持有人是谁？"),
    "出生日期": ("是哪天出生的？", "生日是哪天？"),
    "电话": ("电话号码是多少？", "联系电话是多少？"),
    "城市": ("在哪个城市？", "是哪个城市？"),
    "邮箱": ("电子邮箱是什么？", "邮箱地址是什么？"),
    "工作单位": ("在哪里工作？", "单位名称是什么？"),
    "票价": ("票价是多少？", "多少钱？"),
    "座位": ("座位号是多少？", "坐在哪个座位？"),
    "开车时间": ("几点出发？", "什么时候开车？"),
    "出发地": ("从哪里出发？", "起点是哪里？"),
    "目的地": ("去哪里？", "终点是哪里？"),
    "有效期至": ("有效期到哪天？", "什么时候过期？"),
}
"""How people ask for what some labels stand beside."""


def labelled(order: Order, label: str, value: str, box: Box, sheet: str) -> Asked:
    """A question for the value beside a label; `basis` is "field" and the label. sheet: what the document is called."""
    return replace(look_up(_question(order, label, sheet), value, box), basis=("field", label))


def not_there(order: Order, label: str, sheet: str) -> Asked:
    """A question for the value of a label that is not on the page; `basis` is "no field" and the label."""
    return replace(absent(order, _question(order, label, sheet)), basis=("no field", label))


def _question(order: Order, label: str, sheet: str) -> str:
    if label in PEOPLE_ASK and order.dice.chance(0.45):
        return order.dice.pick(PEOPLE_ASK[label]).format(sheet=sheet)
    return order.pick(
        (
            f'What does the {sheet} say for "{label}"?', f'What is given for "{label}"?', f'What is entered for "{label}"?',
            f'What is written next to "{label}"?', f'What does the field "{label}" contain?', f'Give the entry for "{label}".',
            f'What is the value of "{label}"?', f'Which entry belongs to "{label}"?', f'"{label}"?', f'Read the field "{label}".',
        ),
        (
            f"“{label}”一栏填写的是什么？", f"{sheet}上的“{label}”是什么？", f"“{label}”的内容是什么？",
            f"“{label}”后面写的是什么？", f"请读出“{label}”。", f"“{label}”？",
        ),
    )  # fmt: skip
