"""What invented charts speak of, in English and Chinese: subjects with their measures, things to compare, groups."""

from dataclasses import dataclass

Pair = tuple[str, str]
"""The same in English and in Chinese."""


@dataclass(frozen=True)
class Subject:
    """What is measured: its name, what the axis calls it, its sign ("%" or none), how large it may be, what it is told by.

    adds: whether the values of several may be added to a whole.
    """

    name: Pair
    measure: Pair
    sign: str
    most: tuple[float, ...]
    kinds: tuple[str, ...]
    adds: bool = True


PLACES, GOODS, PEOPLE = ("country", "city", "region"), ("product", "fruit", "drink"), ("age", "sport", "language")

SUBJECTS = (
    Subject(("Annual rainfall", "年降雨量"), ("Rainfall (mm)", "降雨量（毫米）"), "", (400, 2000),
        ("city", "year", "month")),
    Subject(("Average temperature", "平均气温"), ("Temperature (°C)", "气温（°C）"), "", (40,), ("city", "month"), False),
    Subject(("Sales volume", "销售量"), ("Units sold", "销售数量"), "", (100, 800, 5000), (*GOODS, "quarter", "month")),
    Subject(("Revenue", "营业收入"), ("Revenue (million)", "收入（百万）"), "", (50, 400),
        ("quarter", "year", "department")),
    Subject(("Operating profit", "营业利润"), ("Profit (million)", "利润（百万）"), "", (20, 80),
        ("quarter", "year", "product")),
    Subject(("Unemployment rate", "失业率"), ("Share of labour force (%)", "占劳动力比例（%）"), "%", (12, 20),
        ("country", "year"), False),
    Subject(("Internet users", "互联网用户"), ("Share of population (%)", "占人口比例（%）"), "%", (100,),
        ("country", "year", "age"), False),
    Subject(("Visitors to the museum", "博物馆参观人数"), ("Visitors", "参观人数"), "", (500, 4000),
        ("weekday", "month", "year")),
    Subject(("Wheat harvest", "小麦产量"), ("Tonnes (thousand)", "产量（千吨）"), "", (60, 900),
        ("country", "region", "year")),
    Subject(("Electricity consumption", "用电量"), ("Gigawatt hours", "用电量（吉瓦时）"), "", (80, 600),
        ("city", "month", "year")),
    Subject(("Books lent", "图书借阅量"), ("Books", "册数"), "", (200, 1500), ("weekday", "month", "age")),
    Subject(("Members of the club", "俱乐部会员"), ("Members", "会员人数"), "", (60, 300), ("sport", "age", "year")),
    Subject(("Favourite drinks", "最喜爱的饮料"), ("Votes", "票数"), "", (40, 120), ("drink",)),
    Subject(("Pupils by sport", "各项运动的学生"), ("Pupils", "学生人数"), "", (30, 200), ("sport",)),
    Subject(("Speakers", "使用人数"), ("Speakers (million)", "人数（百万）"), "", (50, 600), ("language",)),
    Subject(("Satisfaction of customers", "客户满意度"), ("Satisfied (%)", "满意比例（%）"), "%", (100,),
        ("department", "product", "year"), False),
    Subject(("Waste recycled", "垃圾回收率"), ("Share recycled (%)", "回收比例（%）"), "%", (80, 100),
        ("city", "country", "year"), False),
    Subject(("Time spent reading", "阅读时间"), ("Minutes per day", "每天分钟数"), "", (60, 150), ("age", "weekday"), False),
    Subject(("Price per kilogram", "每公斤价格"), ("Price", "价格（元）"), "", (8, 40), ("fruit", "year"), False),
    Subject(("Orders received", "收到的订单"), ("Orders", "订单数"), "", (90, 700), ("department", "month", "weekday")),
    Subject(("Emissions of carbon dioxide", "二氧化碳排放量"), ("Megatonnes", "百万吨"), "", (30, 500),
        ("country", "year", "region")),
    Subject(("Trains on time", "列车准点率"), ("On time (%)", "准点比例（%）"), "%", (100,),
        ("region", "month", "year"), False),
)  # fmt: skip

KINDS: dict[str, Pair] = {
    "year": ("year", "年份"),
    "month": ("month", "月份"),
    "quarter": ("quarter", "季度"),
    "weekday": ("day", "星期"),
    "country": ("country", "国家"),
    "city": ("city", "城市"),
    "region": ("region", "地区"),
    "product": ("product", "产品"),
    "fruit": ("fruit", "水果"),
    "drink": ("drink", "饮料"),
    "sport": ("sport", "运动"),
    "language": ("language", "语言"),
    "age": ("age group", "年龄段"),
    "department": ("department", "部门"),
}
IN_ORDER = frozenset(("year", "month", "quarter", "weekday", "age"))
"""Kinds whose members have an order that a chart keeps."""
TIMES = frozenset(("year", "month", "quarter", "weekday"))

MEMBERS: dict[str, tuple[Pair, ...]] = {
    "month": tuple(
        zip(
            "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(),
            "一月 二月 三月 四月 五月 六月 七月 八月 九月 十月 十一月 十二月".split(),
            strict=True,
        )
    ),
    "weekday": (
        ("Monday", "星期一"), ("Tuesday", "星期二"), ("Wednesday", "星期三"), ("Thursday", "星期四"), ("Friday", "星期五"),
        ("Saturday", "星期六"), ("Sunday", "星期日"),
    ),
    "country": (
        ("Brazil", "巴西"), ("Canada", "加拿大"), ("China", "中国"), ("Denmark", "丹麦"), ("Egypt", "埃及"),
        ("France", "法国"),
        ("Germany", "德国"), ("India", "印度"), ("Italy", "意大利"), ("Japan", "日本"), ("Kenya", "肯尼亚"),
        ("Mexico", "墨西哥"),
        ("Norway", "挪威"), ("Peru", "秘鲁"), ("Poland", "波兰"), ("Spain", "西班牙"), ("Sweden", "瑞典"),
        ("Turkey", "土耳其"),
        ("Chile", "智利"), ("Ghana", "加纳"), ("Vietnam", "越南"), ("Greece", "希腊"),
    ),
    "city": (
        ("Beijing", "北京"), ("Berlin", "柏林"), ("Boston", "波士顿"), ("Cairo", "开罗"), ("Chengdu", "成都"),
        ("Delhi", "德里"),
        ("Geneva", "日内瓦"), ("Guangzhou", "广州"), ("Lima", "利马"), ("Lisbon", "里斯本"), ("London", "伦敦"),
        ("Madrid", "马德里"),
        ("Nanjing", "南京"), ("Oslo", "奥斯陆"), ("Paris", "巴黎"), ("Rome", "罗马"), ("Seoul", "首尔"),
        ("Shanghai", "上海"),
        ("Sydney", "悉尼"), ("Tokyo", "东京"), ("Vienna", "维也纳"), ("Xi'an", "西安"),
    ),
    "region": (
        ("North", "北部"), ("South", "南部"), ("East", "东部"), ("West", "西部"), ("Centre", "中部"), ("Coast", "沿海"),
        ("Highlands", "高原"), ("Islands", "岛屿"), ("Border", "边境"),
    ),
    "product": (
        ("Laptops", "笔记本电脑"), ("Phones", "手机"), ("Tablets", "平板电脑"), ("Printers", "打印机"), ("Cameras", "相机"),
        ("Monitors", "显示器"), ("Headphones", "耳机"), ("Speakers", "音箱"), ("Keyboards", "键盘"), ("Desks", "书桌"),
        ("Lamps", "台灯"), ("Chairs", "椅子"),
    ),
    "fruit": (
        ("Apples", "苹果"), ("Pears", "梨"), ("Bananas", "香蕉"), ("Grapes", "葡萄"), ("Oranges", "橙子"),
        ("Cherries", "樱桃"),
        ("Plums", "李子"), ("Mangoes", "芒果"), ("Peaches", "桃子"), ("Melons", "甜瓜"), ("Lemons", "柠檬"),
    ),
    "drink": (
        ("Tea", "茶"), ("Coffee", "咖啡"), ("Water", "水"), ("Milk", "牛奶"), ("Juice", "果汁"), ("Lemonade", "柠檬水"),
        ("Cocoa", "可可"), ("Soda", "汽水"), ("Beer", "啤酒"),
    ),
    "sport": (
        ("Football", "足球"), ("Tennis", "网球"), ("Swimming", "游泳"), ("Basketball", "篮球"), ("Chess", "国际象棋"),
        ("Running", "跑步"), ("Badminton", "羽毛球"), ("Cycling", "自行车"), ("Judo", "柔道"), ("Rowing", "赛艇"),
    ),
    "language": (
        ("English", "英语"), ("Chinese", "汉语"), ("Spanish", "西班牙语"), ("Arabic", "阿拉伯语"), ("French", "法语"),
        ("Russian", "俄语"), ("Hindi", "印地语"), ("German", "德语"), ("Swahili", "斯瓦希里语"), ("Turkish", "土耳其语"),
    ),
    "age": (
        ("under 18", "18岁以下"), ("18-24", "18-24岁"), ("25-34", "25-34岁"), ("35-44", "35-44岁"), ("45-54", "45-54岁"),
        ("55-64", "55-64岁"), ("65 and over", "65岁以上"),
    ),
    "department": (
        ("Research", "研发部"), ("Sales", "销售部"), ("Finance", "财务部"), ("Support", "客服部"), ("Logistics", "物流部"),
        ("Marketing", "市场部"), ("Legal", "法务部"), ("Design", "设计部"), ("Training", "培训部"),
    ),
}  # fmt: skip

GROUPS: tuple[tuple[Pair, ...], ...] = (
    (("Men", "男性"), ("Women", "女性")),
    (("Urban", "城镇"), ("Rural", "农村")),
    (("Online", "线上"), ("In store", "门店")),
    (("Plan", "计划"), ("Actual", "实际")),
    (("Adults", "成人"), ("Children", "儿童")),
    (("Public", "公立"), ("Private", "私立")),
    (("Low", "低"), ("Medium", "中"), ("High", "高")),
    (("Gold", "金"), ("Silver", "银"), ("Bronze", "铜")),
    (("Morning", "上午"), ("Afternoon", "下午"), ("Evening", "晚上")),
    (("Team A", "甲队"), ("Team B", "乙队"), ("Team C", "丙队"), ("Team D", "丁队")),
    (("Coal", "煤"), ("Gas", "天然气"), ("Wind", "风能"), ("Solar", "太阳能")),
    (("Europe", "欧洲"), ("Asia", "亚洲"), ("Africa", "非洲"), ("America", "美洲")),
)
"""Names for the series of a chart that has several."""

MEASURES: tuple[tuple[Pair, float], ...] = (
    (("Height (cm)", "高度（厘米）"), 200),
    (("Weight (kg)", "重量（公斤）"), 100),
    (("Age (years)", "年龄（岁）"), 80),
    (("Price", "价格"), 50),
    (("Distance (km)", "距离（公里）"), 400),
    (("Speed (km/h)", "速度（公里/时）"), 200),
    (("Score", "得分"), 100),
    (("Hours of study", "学习小时数"), 40),
    (("Area (ha)", "面积（公顷）"), 800),
    (("Duration (min)", "时长（分钟）"), 60),
)
"""What the two axes of a scatter chart may measure, and about how far they reach."""
