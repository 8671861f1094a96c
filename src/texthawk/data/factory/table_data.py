"""What stands in tables: themes with columns of numbers, dates and words, and rows that go by a name."""

from collections.abc import Callable
from dataclasses import dataclass

from texthawk.data.factory import names
from texthawk.data.factory.grid import Cell, Grid
from texthawk.data.factory.order import Order
from texthawk.data.synth.dice import Dice

Two = tuple[str, str]
"""English and Chinese."""
Fit = Callable[[str], str]
"""What a text looks like in the characters that the fonts have."""


Group = tuple[str, int, int]
"""A heading, the first of the neighbours it stands over or before, and how many there are."""


@dataclass(frozen=True)
class Column:
    """A column of numbers, counted in parts of 10^-digits, or of words where `numbers` is False."""

    name: str
    numbers: bool = True
    digits: int = 0
    before: str = ""
    after: str = ""
    commas: bool = True

    def written(self, value: int) -> str:
        """A number as the column prints it."""
        sign, value = ("-", -value) if value < 0 else ("", value)
        whole, rest = divmod(value, 10**self.digits)
        text = f"{whole:,}" if self.commas else str(whole)
        return f"{sign}{self.before}{text}" + (f".{rest:0{self.digits}}" if self.digits else "") + self.after


@dataclass(frozen=True)
class Table:
    """Rows of values, of which the first is the row's name and no name comes twice; numbers are whole, see Column.

    column_groups, row_groups: neighbours under or behind one heading; row_groups have their own `row_heading`.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str | int, ...], ...]
    column_groups: tuple[Group, ...] = ()
    row_groups: tuple[Group, ...] = ()
    row_heading: str = ""

    def printed(self, row: int, column: int) -> str:
        value = self.rows[row][column]
        return value if isinstance(value, str) else self.columns[column].written(value)

    def grid(self) -> Grid:
        """The table as cells: groups of columns have a row above the head, groups of rows a column before the names."""
        down, aside = int(bool(self.column_groups)), int(bool(self.row_groups))
        cells = [Cell(0, 0, self.row_heading, 1 + down)] if aside else []
        grouped = {first + i for _, first, count in self.column_groups for i in range(count)}
        cells += [Cell(0, first + aside, name, 1, count) for name, first, count in self.column_groups]
        for i, column in enumerate(self.columns):
            above = down and i not in grouped
            cells.append(Cell(0 if above else down, i + aside, column.name, 2 if above else 1))
        cells += [Cell(1 + down + first, 0, name, count) for name, first, count in self.row_groups]
        for row in range(len(self.rows)):
            cells += [Cell(1 + down + row, i + aside, self.printed(row, i)) for i in range(len(self.columns))]
        cells.sort(key=lambda cell: (cell.row, cell.column))
        return Grid(1 + down + len(self.rows), len(self.columns) + aside, 1 + down, tuple(cells), self.title)


@dataclass(frozen=True)
class _Field:
    """How a column is filled: numbers from `low` to `high`, or one of `words`."""

    name: Two
    low: int = 0
    high: int = 0
    digits: int = 0
    mark: Two = ("", "")
    after: str = ""
    commas: bool = True
    words: tuple[Two, ...] = ()


@dataclass(frozen=True)
class _Theme:
    title: Two
    key: Two
    keys: Callable[[Order, int, Fit], list[str]]
    fields: tuple[_Field, ...]
    groups: tuple[Two, ...] = ()
    """Headings that rows may stand behind; their own heading comes first."""
    halves: tuple[Two, ...] = ()
    """Headings that columns may stand under."""


def _goods(order: Order, count: int, fit: Fit) -> list[str]:
    return names.goods(order.dice, order.speech, count)


def _people(order: Order, count: int, fit: Fit) -> list[str]:
    return _unlike(lambda: names.person(order.dice, order.speech), count)


def _phrases(order: Order, count: int, fit: Fit) -> list[str]:
    return _unlike(lambda: fit(order.phrase(18)), count)


def _cities(order: Order, count: int, fit: Fit) -> list[str]:
    return names.different(order.dice, names.CITY_ZH if order.speech == "zh" else names.CITY, count)


def _teams(order: Order, count: int, fit: Fit) -> list[str]:
    if order.speech == "zh":
        return [name + "队" for name in names.different(order.dice, names.FIRM_ZH, count)]
    ends = ("United", "Rovers", "City", "Wanderers", "Athletic")
    return [f"{name} {order.dice.pick(ends)}" for name in names.different(order.dice, names.CITY, count)]


def _unlike(make: Callable[[], str], count: int) -> list[str]:
    found: dict[str, None] = {}
    for _ in range(4 * count):
        if len(found) < count:
            found[make()] = None
    found.pop("", None)
    return list(found)


MONEY = ("$", "¥")
THEMES = (
    _Theme(
        ("Sales by product", "产品销售情况"), ("Product", "产品"), _goods,
        (
            _Field(("Units", "数量"), 3, 4000), _Field(("Price", "单价"), 50, 9999, 2, MONEY),
            _Field(("Revenue", "销售额"), 1000, 900000, 0, MONEY), _Field(("Share", "占比"), 5, 400, 1, after="%"),
            _Field(("Stock", "库存"), 0, 990), _Field(("Returns", "退货"), 0, 60),
            _Field(("Region", "地区"), words=(("North", "华北"), ("South", "华南"), ("East", "华东"), ("West", "西部"))),
        ),
        (("Category", "类别"), ("Kitchen", "厨房"), ("Office", "办公"), ("Garden", "花园")),
        (("First half", "上半年"), ("Second half", "下半年")),
    ),
    _Theme(
        ("Results of the examination", "考试成绩"), ("Name", "姓名"), _people,
        tuple(
            _Field(name, 35, 100)
            for name in (("Maths", "数学"), ("English", "英语"), ("Physics", "物理"), ("History", "历史"), ("Biology", "生物"),
                         ("Music", "音乐"))
        ),
        (("Class", "班级"), ("Class A", "一班"), ("Class B", "二班"), ("Class C", "三班")),
        (("Written", "笔试"), ("Oral", "口试")),
    ),
    _Theme(
        ("Final standings", "积分榜"), ("Team", "球队"), _teams,
        (
            _Field(("Played", "场次"), 10, 38), _Field(("Won", "胜"), 0, 30), _Field(("Drawn", "平"), 0, 15),
            _Field(("Lost", "负"), 0, 25), _Field(("Goals", "进球"), 4, 95), _Field(("Points", "积分"), 3, 96),
        ),
        (("Group", "小组"), ("Group A", "A组"), ("Group B", "B组")), (("Home", "主场"), ("Away", "客场")),
    ),
    _Theme(
        ("Cities in figures", "城市数据"), ("City", "城市"), _cities,
        (
            _Field(("Population", "人口"), 9000, 9800000), _Field(("Area (km²)", "面积(平方公里)"), 12, 16000),
            _Field(("Founded", "建立年份"), 1050, 1950, commas=False), _Field(("Elevation (m)", "海拔(米)"), 1, 2900),
            _Field(("Unemployment", "失业率"), 11, 190, 1, after="%"), _Field(("Schools", "学校"), 3, 900),
        ),
        (), (("People", "人文"), ("Land", "自然")),
    ),
    _Theme(
        ("Staff", "员工名单"), ("Name", "姓名"), _people,
        (
            _Field(("Department", "部门"), words=(("Sales", "销售"), ("Finance", "财务"), ("Research", "研发"),
                                                 ("Support", "客服"))),
            _Field(("Salary", "工资"), 2400, 9800, 0, MONEY), _Field(("Since", "入职年份"), 1990, 2024, commas=False),
            _Field(("Age", "年龄"), 21, 64), _Field(("Days off", "休假天数"), 10, 35),
            _Field(("Office", "办公室"), 101, 560, commas=False),
        ),
        (("Site", "地点"), ("Main building", "主楼"), ("Annex", "附楼")), (),
    ),
    _Theme(
        ("Overview", "一览表"), ("Entry", "条目"), _phrases,
        (
            _Field(("2019", "2019年"), 1, 9999), _Field(("2020", "2020年"), 1, 9999), _Field(("2021", "2021年"), 1, 9999),
            _Field(("2022", "2022年"), 1, 9999), _Field(("Change", "变化"), -99, 199, 1, after="%"),
            _Field(("Status", "状态"), words=(("open", "未完成"), ("done", "已完成"), ("planned", "计划中"))),
        ),
        (("Part", "部分"), ("Part I", "第一部分"), ("Part II", "第二部分")), (("Earlier", "以前"), ("Later", "以后")),
    ),
)  # fmt: skip


def table(
    order: Order, fit: Fit, *, rows: tuple[int, int] = (3, 12), columns: tuple[int, int] = (2, 6), spans: float = 0.3
) -> Table:
    """A table of a random theme; `spans` is the chance of headings over several columns, and of rows under one heading."""
    dice, zh = order.dice, int(order.speech == "zh")
    theme = dice.pick(THEMES)
    keys = theme.keys(order, dice.integer(*rows), fit)
    most = min(columns[1], len(theme.fields) + 1) - 1
    wanted = max(1, dice.integer(min(columns[0] - 1, most), most))
    chosen = sorted(names.different(dice, tuple(map(str, range(len(theme.fields)))), wanted))
    fields = [theme.fields[int(i)] for i in chosen]
    made = [Column(theme.key[zh], numbers=False)]
    made += [
        Column(f.name[zh], not f.words, f.digits, f.mark[zh] if f.mark[zh] else "", f.after, f.commas) for f in fields
    ]
    filled = tuple((key, *(_value(dice, field, zh) for field in fields)) for key in keys)
    row_groups, column_groups = list[Group](), list[Group]()
    row_heading = ""
    if theme.groups and len(keys) > 3 and dice.chance(spans):
        headings = [two[zh] for two in theme.groups[1:]]
        row_groups, row_heading = _grouped(dice, headings, 0, len(keys)), theme.groups[0][zh]
    if theme.halves and len(fields) > 3 and dice.chance(spans):
        column_groups = _grouped(dice, [two[zh] for two in theme.halves], 1, len(fields))
    return Table(theme.title[zh], tuple(made), filled, tuple(column_groups), tuple(row_groups), row_heading)


def _value(dice: Dice, field: _Field, zh: int) -> str | int:
    if field.words:
        return dice.pick(field.words)[zh]
    return field.low + int(
        dice.random() ** (2 if field.high > 100 * max(1, field.low) else 1) * (field.high - field.low + 1)
    )


def _grouped(dice: Dice, headings: list[str], first: int, count: int) -> list[Group]:
    """Cut `count` neighbours into as many groups as there are headings, each of one or more."""
    headings = headings[: max(1, min(len(headings), count // 2))]
    sizes = [count // len(headings)] * len(headings)
    sizes[dice.integer(0, len(sizes) - 1)] += count - sum(sizes)
    groups = []
    for heading, size in zip(headings, sizes, strict=True):
        groups.append((heading, first, size))
        first += size
    return groups
