"""Questions about a table: look-up, count, compare, sum, difference, facts that hold or not, and what it does not hold.

`basis` of each question names the operation, the column and the rows' names, so that anyone can work out the answer again.
"""

from collections import Counter

from texthawk.data.factory.document import Asked
from texthawk.data.factory.order import Order
from texthawk.data.factory.table_data import Table
from texthawk.model.transcript import NO, NOT_HERE, YES
from texthawk.model.working import count_of, difference_of, extreme_of, is_more, list_of, sum_of

TASK = "tableqa"


def table_questions(order: Order, table: Table, most: int = 8) -> list[Asked]:
    """At most `most` questions of different kinds, in any order."""
    makers = [
        _look_up, _look_up, _backwards, _largest, _compare, _total, _sum, _sum, _rows, _above, _fact, _higher, _group,
        _absent,
    ]  # fmt: skip
    made: list[Asked] = []
    while makers and len(made) < most:
        asked = makers.pop(int(order.dice.random() * len(makers)))(order, table)
        if asked is not None and all(asked.question != other.question for other in made):
            made.append(asked)
    return made


def _keys(table: Table) -> list[str]:
    return [str(row[0]) for row in table.rows]


def _numbers(order: Order, table: Table) -> int | None:
    """A column of numbers that mean an amount, not a year or the number of a room."""
    able = [i for i, column in enumerate(table.columns) if column.numbers and column.commas]
    return order.dice.pick(able) if able else None


def _two(order: Order, table: Table) -> tuple[int, int, int] | None:
    """A column of numbers and two rows that differ in it."""
    column = _numbers(order, table)
    if column is None or len(table.rows) < 2:
        return None
    a = order.dice.integer(0, len(table.rows) - 1)
    b = (a + order.dice.integer(1, len(table.rows) - 1)) % len(table.rows)
    return (column, a, b) if table.rows[a][column] != table.rows[b][column] else None


def _asked(question: str, answer: str, kind: str, *basis: str | int, working: str = "") -> Asked:
    return Asked(question, answer, TASK, kind=kind, basis=basis, working=working)


def _printed(table: Table, column: int) -> list[str]:
    return [table.printed(row, column) for row in range(len(table.rows))]


def _column(table: Table, column: int) -> str:
    """A column's name, behind that of its group where it has one."""
    group = next((g for g, first, count in table.column_groups if first <= column < first + count), "")
    name = table.columns[column].name
    return f"{name} ({group})" if group else name


def _look_up(order: Order, table: Table) -> Asked | None:
    row, column = order.dice.integer(0, len(table.rows) - 1), order.dice.integer(1, len(table.columns) - 1)
    name, key = _column(table, column), _keys(table)[row]
    question = order.say(f"What is the value of {name} for {key}?", f"{key}的{name}是多少？")
    if not table.columns[column].numbers:
        question = order.say(f"What does {name} say for {key}?", f"{key}的{name}是什么？")
    return _asked(question, table.printed(row, column), "look-up", "look-up", column, key)


def _backwards(order: Order, table: Table) -> Asked | None:
    row, column = order.dice.integer(0, len(table.rows) - 1), order.dice.integer(1, len(table.columns) - 1)
    value = table.printed(row, column)
    if [table.printed(r, column) for r in range(len(table.rows))].count(value) > 1:
        return None
    key, name = table.columns[0].name, _column(table, column)
    question = order.say(f"Which {key.lower()} has {value} for {name}?", f"哪个{key}的{name}是{value}？")
    return _asked(question, _keys(table)[row], "look-up", "backwards", column, value)


def _largest(order: Order, table: Table) -> Asked | None:
    column = _numbers(order, table)
    if column is None:
        return None
    largest = order.dice.chance(0.6)
    values = [row[column] for row in table.rows]
    extreme = max(values) if largest else min(values)
    if values.count(extreme) > 1 or len(values) < 2:
        return None
    key, name = table.columns[0].name, _column(table, column)
    question = order.say(
        f"Which {key.lower()} has the {'highest' if largest else 'lowest'} {name}?",
        f"哪个{key}的{name}{'最高' if largest else '最低'}？",
    )
    keys, basis = _keys(table), "largest" if largest else "smallest"
    working = extreme_of(keys, _printed(table, column), largest=largest)
    return _asked(question, keys[values.index(extreme)], "compare", basis, column, working=working)


def _compare(order: Order, table: Table) -> Asked | None:
    found = _two(order, table)
    if found is None:
        return None
    column, *pair = found
    first, second = (_keys(table)[row] for row in pair)
    name = _column(table, column)
    better = max(pair, key=lambda row: table.rows[row][column])
    question = order.say(f"Which has the higher {name}: {first} or {second}?", f"{first}和{second}，哪个的{name}更高？")
    working = extreme_of([first, second], [table.printed(row, column) for row in pair], largest=True)
    return _asked(question, _keys(table)[better], "compare", "larger", column, first, second, working=working)


def _total(order: Order, table: Table) -> Asked | None:
    """The sum of a whole column of a short table."""
    column = _numbers(order, table)
    if column is None or len(table.rows) > 6:
        return None
    name, total = _column(table, column), sum(int(row[column]) for row in table.rows)
    question = order.say(f"What is the sum of the column {name}?", f"{name}一列的总和是多少？")
    working = sum_of(_printed(table, column))
    return _asked(question, table.columns[column].written(total), "sum", "sum", column, working=working)


def _sum(order: Order, table: Table) -> Asked | None:
    """The sum of two rows, or how much they differ."""
    found = _two(order, table)
    if found is None:
        return None
    column, *pair = found
    first, second = (_keys(table)[row] for row in pair)
    name, (one, other) = _column(table, column), (int(table.rows[row][column]) for row in pair)
    written, both = table.columns[column].written, [table.printed(row, column) for row in pair]
    if order.dice.chance(0.5):
        question = order.say(
            f"What do {first} and {second} add up to in {name}?", f"{first}与{second}的{name}之和是多少？"
        )
        return _asked(question, written(one + other), "sum", "sum", column, first, second, working=sum_of(both))
    question = order.say(
        f"By how much do {first} and {second} differ in {name}?", f"{first}与{second}的{name}相差多少？"
    )
    working = difference_of(*both)
    return _asked(question, written(abs(one - other)), "sum", "difference", column, first, second, working=working)


def _rows(order: Order, table: Table) -> Asked:
    key = table.columns[0].name
    question = order.say(f"How many rows are there below the heading {key}?", f"表中“{key}”一列有几项？")
    return _asked(question, str(len(table.rows)), "count", "rows", working=list_of(_keys(table)))


def _group(order: Order, table: Table) -> Asked | None:
    if not table.row_groups:
        return None
    name, first, number = order.dice.pick(table.row_groups)
    question = order.say(f"How many rows belong to {name}?", f"属于“{name}”的有几项？")
    return _asked(question, str(number), "count", "group", name, working=list_of(_keys(table)[first : first + number]))


def _above(order: Order, table: Table) -> Asked | None:
    column = order.dice.integer(1, len(table.columns) - 1)
    name = _column(table, column)
    if not table.columns[column].numbers:
        value, number = order.dice.pick(sorted(Counter(str(row[column]) for row in table.rows).items()))
        working = list_of([key for key, row in zip(_keys(table), table.rows, strict=True) if str(row[column]) == value])
        question = order.say(f"How many rows have {value} for {name}?", f"{name}为{value}的有几项？")
        return _asked(question, str(number), "count", "equal", column, value, working=working)
    row = order.dice.integer(0, len(table.rows) - 1)
    limit = table.rows[row][column]
    number = sum(int(other[column]) > int(limit) for other in table.rows)
    key, printed = _keys(table)[row], table.printed(row, column)
    question = order.say(f"How many rows have a {name} above {printed}?", f"{name}高于{printed}的有几项？")
    working = count_of(_printed(table, column), printed, above=True)
    return _asked(question, str(number), "count", "above", column, key, working=working)


def _fact(order: Order, table: Table) -> Asked | None:
    """A statement as in TabFact: a row and what it says, or what another row says instead."""
    column, row = order.dice.integer(1, len(table.columns) - 1), order.dice.integer(0, len(table.rows) - 1)
    other = order.dice.integer(0, len(table.rows) - 1)
    key, name, value = _keys(table)[row], _column(table, column), table.printed(other, column)
    truth = value == table.printed(row, column)
    question = order.say(f"{key} has {value} for {name}. Is that true?", f"{key}的{name}是{value}。对吗？")
    return _asked(question, (YES if truth else NO)[order.speech], "yes/no", "fact", column, key, value)


def _higher(order: Order, table: Table) -> Asked | None:
    found = _two(order, table)
    if found is None:
        return None
    column, one, other = found
    first, second, name = _keys(table)[one], _keys(table)[other], _column(table, column)
    truth = int(table.rows[one][column]) > int(table.rows[other][column])
    question = order.say(f"Is the {name} of {first} higher than that of {second}?", f"{first}的{name}比{second}高吗？")
    working = is_more(table.printed(one, column), table.printed(other, column))
    answer = (YES if truth else NO)[order.speech]
    return _asked(question, answer, "yes/no", "higher", column, first, second, working=working)


def _absent(order: Order, table: Table) -> Asked | None:
    """A row that the table does not have."""
    name = _column(table, order.dice.integer(1, len(table.columns) - 1))
    key = order.phrase(14)
    everything = [str(value) for row in table.rows for value in row] + [column.name for column in table.columns]
    if any(key.casefold() in text.casefold() for text in (*everything, table.title)):
        return None
    question = order.say(f"What is the value of {name} for {key}?", f"{key}的{name}是多少？")
    return _asked(question, NOT_HERE[order.speech], "absent", "absent", key)
