"""What ALTO 4.2 asks of the elements that are written here, checked without its schema.

The schema is published under a licence of its own and is not part of this repository. Where its file and that of xlink
lie beside each other, `TEXTHAWK_ALTO_SCHEMA=.../alto-4-2.xsd` lets every check be made against it as well; that is how
these rules were compared with it.
"""

import os
import re
from pathlib import Path

from lxml import etree

NAMESPACE = "{http://www.loc.gov/standards/alto/ns-v4#}"
NUMBER, NAME, REFERENCES = r"-?\d+(\.\d+)?", r"[A-Za-z_][\w.-]*", r"[A-Za-z_][\w.-]*( [A-Za-z_][\w.-]*)*"
PLACE = dict.fromkeys(("HPOS", "VPOS", "WIDTH", "HEIGHT"), NUMBER)

CHILDREN = {
    "alto": "(Description )?(Styles )?(Tags )?Layout ",
    "Description": "MeasurementUnit (sourceImageInformation )?(Processing )*",
    "MeasurementUnit": "",
    "sourceImageInformation": "(fileName )?",
    "fileName": "",
    "Processing": "(processingCategory )?(processingStepSettings )?(processingSoftware )?",
    "processingCategory": "",
    "processingStepSettings": "",
    "processingSoftware": "(softwareName )?(softwareVersion )?",
    "softwareName": "",
    "softwareVersion": "",
    "Layout": "(Page )+",
    "Page": "(PrintSpace )?",
    "PrintSpace": "(TextBlock )*",
    "TextBlock": "(TextLine )+",
    "TextLine": "(String (SP )?)+",
    "String": "",
    "SP": "",
}
"""The sequence of children of each element, each followed by a space."""

REQUIRED = {
    "Processing": {"ID": NAME},
    "Page": {"ID": NAME, "PHYSICAL_IMG_NR": NUMBER},
    "TextBlock": {"ID": NAME},
    "TextLine": {},
    "String": {"CONTENT": r"\S(.*\S)?"},
}
ALLOWED = {
    "alto": {"SCHEMAVERSION": r"4\.\d", "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation": r"\S+ \S+"},
    "Page": {"HEIGHT": NUMBER, "WIDTH": NUMBER, "PROCESSINGREFS": REFERENCES},
    "PrintSpace": PLACE,
    "TextBlock": PLACE | {"ROTATION": NUMBER},
    "TextLine": PLACE | {"ID": NAME},
    "String": PLACE | {"ID": NAME, "WC": r"0(\.\d+)?|1(\.0+)?"},
    "SP": PLACE,
}


def faults(content: bytes) -> list[str]:
    """Everything that is wrong with an ALTO file, in words."""
    root = etree.fromstring(content)
    found = [fault for element in root.iter() for fault in _of(element)]
    names = [element.get("ID") for element in root.iter() if element.get("ID")]
    found += [f"ID {name} twice" for name in set(names) if names.count(name) > 1]
    found += [
        f"no {name}" for e in root.iter() for name in (e.get("PROCESSINGREFS") or "").split() if name not in names
    ]
    schema = os.environ.get("TEXTHAWK_ALTO_SCHEMA")
    if schema:
        official = etree.XMLSchema(etree.parse(Path(schema)))
        official.validate(root)
        found += [str(error) for error in official.error_log]
    return found


def _of(element: etree._Element) -> list[str]:
    if not element.tag.startswith(NAMESPACE):
        return [f"{element.tag} has another namespace"]
    tag = element.tag.removeprefix(NAMESPACE)
    if tag not in CHILDREN:
        return [f"{tag} is no element of ALTO that is known here"]
    found = []
    children = "".join(f"{child.tag.removeprefix(NAMESPACE)} " for child in element)
    if not re.fullmatch(CHILDREN[tag], children):
        found.append(f"{tag} holds {children}")
    required = REQUIRED.get(tag, {})
    rules = required | ALLOWED.get(tag, {})
    found += [f"{tag} lacks {name}" for name in required if name not in element.attrib]
    for name, value in element.attrib.items():
        if name not in rules:
            found.append(f"{tag} has {name}")
        elif not re.fullmatch(rules[name], value, re.DOTALL):
            found.append(f"{tag} {name} is {value!r}")
    if tag == "MeasurementUnit" and element.text != "pixel":
        found.append(f"unit {element.text!r}")
    if tag == "processingCategory" and element.text != "contentGeneration":
        found.append(f"category {element.text!r}")
    return found
