"""Forms: labels with what was filled in, boxes that are ticked or not, and fields that were left empty."""

from texthawk.data.factory import names
from texthawk.data.factory.canvas import Canvas, Colour
from texthawk.data.factory.colours import colours
from texthawk.data.factory.document import Asked, Document
from texthawk.data.factory.flow import Strip
from texthawk.data.factory.labelled import labelled, not_there
from texthawk.data.factory.order import Order
from texthawk.data.factory.questions import count, look_up, yes_no
from texthawk.data.synth.tokens import clock
from texthawk.types import Box

TITLES = (
    (
        "Application form", "Registration form", "Patient information", "Membership application", "Change of address",
        "Visitor record",
    ),
    ("申请表", "登记表", "患者信息表", "会员申请表", "变更登记表", "来访登记表"),
)  # fmt: skip
CHOICES = (
    (
        ("Marital status", "婚姻状况"),
        (("single", "未婚"), ("married", "已婚"), ("divorced", "离异"), ("widowed", "丧偶")),
    ),
    (("Contact by", "联系方式"), (("post", "信件"), ("phone", "电话"), ("e-mail", "邮件"))),
    (("Payment", "付款方式"), (("cash", "现金"), ("card", "刷卡"), ("transfer", "转账"))),
    (("Education", "学历"), (("school", "高中"), ("college", "大专"), ("university", "本科"))),
)


def _values(order: Order) -> dict[tuple[str, str], str]:
    """Labels and what a person would write there."""
    dice, speech = order.dice, order.speech
    form = names.date_form(dice, speech)
    street, city = names.address(dice, speech)
    who = names.person(dice, speech)
    return {
        ("Name", "姓名"): who,
        ("Date of birth", "出生日期"): names.written_date(names.day(dice), form),
        ("Street", "街道"): street,
        ("City", "城市"): city,
        ("Phone", "电话"): names.phone(dice, speech),
        ("E-mail", "邮箱"): f"{dice.pick(names.LAST).lower()}{dice.integer(1, 99)}@example.{dice.pick(('com', 'org', 'net'))}",
        ("Employer", "工作单位"): names.firm(dice, speech),
        ("Occupation", "职业"): order.pick(("teacher", "engineer", "nurse", "driver"), ("教师", "工程师", "医生", "会计")),
        ("Passport No.", "证件号码"): names.serial(dice),
        ("Nationality", "国籍"): order.pick(("French", "Kenyan", "Chilean", "Danish"), ("中国", "法国", "日本", "巴西")),
        ("Emergency contact", "紧急联系人"): names.person(dice, speech),
        ("Start date", "开始日期"): names.written_date(names.day(dice), form),
        ("Amount", "金额"): names.money(dice.integer(1000, 999999)),
        ("Reference", "编号"): names.serial(dice),
        ("Account No.", "账号"): names.digits(dice, dice.integer(8, 16)),
        ("Postcode", "邮编"): names.digits(dice, 6 if speech == "zh" else 5),
        ("Country", "国家"): order.pick(("Kenya", "Chile", "Denmark", "Canada", "Japan"), ("中国", "法国", "日本", "巴西")),
        ("Department", "部门"): order.pick(("Sales", "Purchasing", "Research", "Finance"), ("销售部", "采购部", "财务部")),
        ("Weight", "体重"): f"{dice.integer(45, 120)} kg",
        ("Arrival", "到达时间"): clock(dice),
    }  # fmt: skip


class _Form:
    """A form on its way onto the page."""

    def __init__(self, order: Order):
        dice = order.dice
        self.order, self.dice = order, dice
        self.colours = colours(dice)
        width = round(order.height * dice.pick((0.707, 0.707, 0.85)))
        self.canvas = Canvas(width, order.height, self.colours.paper, self.colours.ink)
        self.style = order.style()
        self.pen = self.style if dice.chance(0.5) else order.style()
        self.size = max(9.0, order.height * dice.between(0.0145, 0.0195))
        self.face = self.style.face(self.size)
        self.label = self.style.face(self.size, "bold" if dice.chance(0.4) else "regular")
        self.value = self.pen.face(self.size * dice.between(1.0, 1.15), dice.pick(("regular", "italic")))
        self.value_colour: Colour = (20, 40, 140) if dice.chance(0.4) else self.colours.ink
        margin = width * dice.between(0.05, 0.09)
        self.left, self.right, self.bottom = margin, width - margin, 0.96 * order.height
        self.fields: dict[str, str] = {}
        self.places: dict[str, Box] = {}
        self.empty: list[str] = []
        self.choices: dict[str, tuple[list[str], list[str]]] = {}
        self.written: list[str] = []

    def write(self) -> Document:
        order, dice = self.order, self.dice
        head = Strip(self.canvas, self.left, self.right, 0.045 * order.height, self.bottom)
        self.title = dice.pick(TITLES[int(order.speech == "zh")])
        head.line(
            self.title,
            self.style.face(self.size * dice.between(1.4, 2.0), "bold"),
            self.colours.accent,
            align=dice.pick(("left", "centre")),
        )
        self.written.append("# " + self.title)
        head.skip(0.8 * self.size)
        if dice.chance(0.5):
            text = self.face.fit(order.sentence(90))
            _, rest = head.paragraph(text, self.face, most=2)
            self.written.append(text.removesuffix(rest).rstrip())
            head.skip(self.size)
        self.y = head.y
        self._blanks()
        self._ticks()
        return Document(
            self.canvas.image,
            "form",
            order.lang,
            tuple(self.canvas.lines),
            "\n\n".join(self.written),
            fields=dict(self.fields),
            asked=tuple(self._questions()),
            caption=order.say(
                f'A filled-in form titled "{self.title}", with {len(self.fields)} entries.',
                f"一张已填写的“{self.title}”，共填写{len(self.fields)}项。",
            ),
            info={
                "title": self.title,
                "empty": self.empty,
                "choices": {k: list(map(list, v)) for k, v in self.choices.items()},
            },
        )

    def _blanks(self) -> None:
        """Labels with lines or boxes to write on, in one or two columns."""
        dice, zh = self.dice, int(self.order.speech == "zh")
        given = {self.label.fit(key[zh]): value for key, value in _values(self.order).items()}
        frame = dice.weighted({"line": 0.45, "cell": 0.35, "none": 0.2})
        across = 2 if dice.chance(0.4) else 1
        pitch = self.size * dice.between(2.0, 2.8)
        width = (self.right - self.left) / across
        at = max(self.label.width(key) for key in given) + 1.6 * self.size
        colon = self.order.pick((":", ""), ("：", ""))
        keys = names.different(dice, tuple(given), dice.integer(4, 16))
        for n, key in enumerate(keys):
            if n % across == 0 and self.y + pitch > self.bottom - 6 * self.size:
                break
            left = self.left + n % across * width
            self._blank(key, given[key], colon, Box(left, self.y, left + width, self.y + pitch), at, frame)
            if n % across == across - 1 or n == len(keys) - 1:
                self.y += pitch
        self.y += self.size

    def _blank(self, key: str, value: str, colon: str, box: Box, at: float, frame: str) -> None:
        base = round(box.bottom - 0.35 * (box.bottom - box.top))
        pad = 0.5 * self.size if frame == "cell" else 0.0
        x = box.left + at + pad
        end = box.right - (0.0 if frame == "cell" else self.size)
        fits = self.value.width(value) < end - x
        if frame == "cell":
            self.canvas.frame((box.left, box.top, box.right + 1, box.bottom + 1), self.colours.line)
            self.canvas.fill((x - pad, box.top, x - pad + 1, box.bottom), self.colours.line)
        elif frame == "line":
            self.canvas.fill(
                (x - 0.3 * self.size, base + 0.35 * self.size, end, base + 0.35 * self.size + 1), self.colours.line
            )
        self.canvas.text(box.left + pad, base, key + colon, self.label)
        if fits and not self.dice.chance(0.12):
            line = self.canvas.text(x, base, value, self.value, self.value_colour)
            self.fields[key], self.places[key] = value, line.box
            self.written.append(f"{key}{colon} {value}")
        else:
            self.empty.append(key)
            self.written.append(f"{key}{colon}")

    def _ticks(self) -> None:
        """Questions with boxes, of which one or none is ticked."""
        dice, zh = self.dice, int(self.order.speech == "zh")
        for number in range(dice.integer(0, 2)):
            label, options = CHOICES[(dice.integer(0, len(CHOICES) - 1) + number) % len(CHOICES)]
            name = label[zh]
            shown = [option[zh] for option in options]
            side = round(0.9 * self.size)
            way = (
                self.label.width(name) + 2 * self.size + sum(self.face.width(o) + side + 2.2 * self.size for o in shown)
            )
            if name in self.choices or self.y + 2.4 * self.size > self.bottom or way > self.right - self.left:
                continue
            base = round(self.y + 1.5 * self.size)
            self.canvas.text(self.left, base, name, self.label)
            x = self.left + self.label.width(name) + 2 * self.size
            ticked = [dice.pick(shown)] if dice.chance(0.85) else []
            cross = dice.chance(0.5)
            for option in shown:
                self._box(Box(x, base - side, x + side, base), option in ticked, cross)
                line = self.canvas.text(x + side + 0.5 * self.size, base, option, self.face)
                x = line.box.right + 1.7 * self.size
            self.choices[name] = (shown, ticked)
            self.written.append(
                name + " " + " ".join(f"[{'x' if option in ticked else ' '}] {option}" for option in shown)
            )
            self.y += 2.4 * self.size

    def _box(self, box: Box, ticked: bool, cross: bool) -> None:
        left, top, right, bottom = (round(side) for side in box)
        self.canvas.frame((left, top, right, bottom), self.colours.ink)
        if ticked:
            thick, colour, draw = max(2, round(0.12 * self.size)), self.value_colour, self.canvas.draw
            if cross:
                draw.line((left + 2, top + 2, right - 3, bottom - 3), fill=colour, width=thick)
                draw.line((left + 2, bottom - 3, right - 3, top + 2), fill=colour, width=thick)
            else:
                middle = (left + 2 * right) / 3 - (right - left) / 4
                draw.line((left + 1, (top + bottom) / 2, middle, bottom - 2, right, top - 1), fill=colour, width=thick)

    def _questions(self) -> list[Asked]:
        order, dice = self.order, self.dice
        made = [
            look_up(
                order.pick(
                    ("What kind of form is this?", "What is the title of the form?", "What does the heading say?"),
                    ("这是什么表格？", "表格的标题是什么？"),
                ),
                self.title,
                self.canvas.lines[0].box,
            )
        ]
        for key in names.different(dice, tuple(self.fields), 4):
            made.append(labelled(order, key, self.fields[key], self.places[key], order.say("form", "表")))
        if self.empty:
            key = dice.pick(self.empty)
            made.append(yes_no(order, order.say(f'Is "{key}" filled in?', f"“{key}”一栏填写了吗？"), False))
        if self.fields:
            key = dice.pick(list(self.fields))
            made.append(yes_no(order, order.say(f'Is "{key}" filled in?', f"“{key}”一栏填写了吗？"), True))
        question = order.say("How many of the written fields were left empty?", "有几个填写栏是空的？")
        made.append(count(question, self.empty))
        for name, (options, ticked) in self.choices.items():
            if ticked:
                question = order.say(f'Which box is ticked for "{name}"?', f"“{name}”勾选了哪一项？")
                made.append(Asked(question, ticked[0], basis=("ticked", name)))
            option = dice.pick(options)
            question = order.say(f'Is "{option}" ticked?', f"“{option}”勾选了吗？")
            made.append(yes_no(order, question, option in ticked))
        known = (*self.fields, *self.empty, *self.choices)
        for label in (("Blood group", "血型"), ("Height", "身高"), ("Tax number", "税号")):
            if label[int(order.speech == "zh")] not in known and dice.chance(0.4):
                key = label[int(order.speech == "zh")]
                made.append(not_there(order, key, order.say("form", "表")))
        return made


def make(order: Order) -> Document:
    """A form that somebody filled in."""
    return _Form(order).write()
