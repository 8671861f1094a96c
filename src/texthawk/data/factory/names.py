"""Made-up people, firms, places, goods, dates and sums of money, in English and Chinese."""

from datetime import date, timedelta

from texthawk.data.synth.dice import Dice
from texthawk.data.synth.tokens import MONTHS

FIRST = (
    "Anna", "Ben", "Carla", "David", "Elena", "Frank", "Grace", "Hugo", "Ivy", "Jonas", "Karen", "Liam", "Maria", "Nora",
    "Oscar", "Paula", "Quentin", "Rosa", "Simon", "Tara", "Umar", "Vera", "Walter", "Xenia", "Yusuf", "Zoe", "Amir",
    "Bianca", "Cedric", "Dina", "Emil", "Fiona",
)  # fmt: skip
LAST = (
    "Adler", "Baker", "Castro", "Dawson", "Ellis", "Foster", "Garcia", "Hughes", "Ibarra", "Jensen", "Keller", "Lopez",
    "Moreau", "Novak", "Olsen", "Parker", "Quinn", "Rossi", "Schmidt", "Turner", "Ueda", "Vargas", "Weber", "Young",
    "Ziegler", "Archer", "Bishop", "Cole", "Drake", "Fischer", "Grant", "Harper",
)  # fmt: skip
FAMILY_ZH = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
GIVEN_ZH = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红建文志国春海燕"
FIRM = (
    "Northwind", "Blue River", "Cedar", "Falcon", "Granite", "Harbor", "Juniper", "Lakeside", "Maple", "Orchid", "Pioneer",
    "Quartz", "Redwood", "Summit", "Willow", "Zenith",
)  # fmt: skip
TRADE = ("Trading", "Foods", "Books", "Hardware", "Textiles", "Systems", "Supplies", "Pharmacy", "Logistics", "Studio")
FORM = ("Ltd.", "Inc.", "LLC", "GmbH", "& Sons", "Co.")
FIRM_ZH = ("华信", "东方", "瑞丰", "金桥", "宏达", "新源", "天成", "佳和", "永安", "百川", "星海", "恒通")
TRADE_ZH = ("贸易", "食品", "图书", "五金", "纺织", "科技", "物流", "医药", "电子", "文化")
STREET = ("Oak", "Mill", "Church", "Station", "High", "Park", "River", "King", "Garden", "Bridge", "Market", "School")
CITY = (
    "Ashford",
    "Brookton",
    "Clayville",
    "Dunmore",
    "Eastport",
    "Fairview",
    "Glenwood",
    "Hillcrest",
    "Kingsley",
    "Milton",
)
STREET_ZH = ("中山", "解放", "人民", "建设", "和平", "长江", "文化", "新华", "东风", "胜利")
CITY_ZH = ("北京市", "上海市", "广州市", "深圳市", "杭州市", "成都市", "武汉市", "南京市", "西安市", "青岛市")
GOODS = (
    "Apple juice", "Ball pen", "Coffee beans", "Desk lamp", "Envelopes", "Floor mat", "Garden hose", "Hand soap", "Ink cartridge",
    "Jar of honey", "Key ring", "Light bulb", "Milk 1 l", "Notebook A5", "Olive oil", "Paper towels", "Rice 5 kg",
    "Screwdriver", "Tea bags", "USB cable", "Vase", "Water bottle", "Yoghurt", "Zip bags", "Batteries AA", "Chocolate bar",
    "Door handle", "Extension cord", "Face mask", "Green tea", "Hammer", "Ice cream",
)  # fmt: skip
GOODS_ZH = (
    "苹果汁", "圆珠笔", "咖啡豆", "台灯", "信封", "地垫", "水管", "洗手液", "墨盒", "蜂蜜", "钥匙扣",
    "灯泡", "纯牛奶", "笔记本", "橄榄油", "纸巾", "大米", "螺丝刀", "茶叶", "数据线", "花瓶", "矿泉水",
    "酸奶", "保鲜袋", "电池", "巧克力", "门把手", "插线板", "口罩", "绿茶", "锤子", "冰淇淋",
)  # fmt: skip


def person(dice: Dice, speech: str) -> str:
    if speech == "zh":
        return dice.pick(FAMILY_ZH) + "".join(dice.pick(GIVEN_ZH) for _ in range(dice.integer(1, 2)))
    return f"{dice.pick(FIRST)} {dice.pick(LAST)}"


def firm(dice: Dice, speech: str) -> str:
    if speech == "zh":
        return dice.pick(FIRM_ZH) + dice.pick(TRADE_ZH) + dice.pick(("有限公司", "公司", "商行", "股份有限公司"))
    return f"{dice.pick(FIRM)} {dice.pick(TRADE)} {dice.pick(FORM)}"


def city(dice: Dice, speech: str) -> str:
    return dice.pick(CITY_ZH if speech == "zh" else CITY)


def address(dice: Dice, speech: str) -> tuple[str, str]:
    """Street with number; city, with a postcode in English."""
    number = dice.integer(1, 399)
    if speech == "zh":
        return f"{dice.pick(STREET_ZH)}路{number}号", city(dice, speech)
    kind = dice.pick(("Street", "Road", "Lane", "Avenue"))
    return f"{number} {dice.pick(STREET)} {kind}", f"{city(dice, speech)} {dice.integer(10000, 99999)}"


def goods(dice: Dice, speech: str, count: int) -> list[str]:
    """Different goods."""
    return different(dice, GOODS_ZH if speech == "zh" else GOODS, count)


def different(dice: Dice, items: tuple[str, ...], count: int) -> list[str]:
    """`count` different items, at most all there are, in any order."""
    rest = list(items)
    return [rest.pop(int(dice.random() * len(rest))) for _ in range(min(count, len(rest)))]


def day(dice: Dice) -> date:
    return date(1995, 1, 1) + timedelta(days=dice.integer(0, 12000))


DATE_FORMS = {
    "en": ("{y}-{m:02}-{d:02}", "{d:02}/{m:02}/{y}", "{name} {d}, {y}", "{d} {name} {y}", "{d:02}.{m:02}.{y}"),
    "zh": ("{y}年{m}月{d}日", "{y}-{m:02}-{d:02}", "{y}/{m:02}/{d:02}"),
}


TILL_DATES = (
    "{d:02}/{m:02}/{y}", "{d:02}/{m:02}/{y}", "{d:02}-{m:02}-{y}", "{d:02}-{m:02}-{yy:02}", "{d:02}/{m:02}/{yy:02}",
    "{d} {abc} {y}", "{d:02} {ABC} {y}", "{y}-{m:02}-{d:02}", "{d:02}-{ABC}-{y}", "{d:02}.{m:02}.{y}", "{m:02}/{d:02}/{y}",
    "{abc} {d}, {y}", "{y}/{m:02}/{d:02}", "{d}/{m}/{y}", "{d:02}-{abc}-{yy:02}", "{d:02}.{m:02}.{yy:02}",
)  # fmt: skip
"""How tills print dates where labels are in English."""


def date_form(dice: Dice, speech: str) -> str:
    """How a document writes its dates, for `written_date`."""
    return dice.pick(DATE_FORMS[speech])


def written_date(value: date, form: str) -> str:
    name = MONTHS[value.month - 1]
    return form.format(
        y=value.year, m=value.month, d=value.day, name=name, yy=value.year % 100, abc=name[:3], ABC=name[:3].upper()
    )


def digits(dice: Dice, count: int) -> str:
    return str(dice.integer(1, 9)) + "".join(str(dice.integer(0, 9)) for _ in range(count - 1))


def serial(dice: Dice) -> str:
    """A number of an invoice, an order or a ticket."""
    letters = "".join(dice.pick("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(dice.integer(0, 3)))
    return letters + dice.pick(("-", "") if letters else ("",)) + digits(dice, dice.integer(5, 8))


def phone(dice: Dice, speech: str) -> str:
    if speech == "zh":
        return "1" + digits(dice, 10)
    return dice.pick(("({}) {}-{}", "{}-{}-{}", "+1 {} {} {}")).format(
        digits(dice, 3), digits(dice, 3), digits(dice, 4)
    )


def money(cents: int, mark: str = "") -> str:
    """A sum in hundredths as it is printed, with thousands apart: mark is set before it."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{mark}{abs(cents) // 100:,}.{abs(cents) % 100:02}"
