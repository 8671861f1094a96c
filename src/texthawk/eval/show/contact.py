"""PNG files in a folder, and the HTML page that lists them: nothing is fetched, links are relative, text is escaped."""

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from urllib.parse import quote

from PIL import Image

_STYLE = """
body { margin: 2rem auto; max-width: 90rem; padding: 0 1rem; font: 16px/1.4 system-ui, sans-serif; color: #222; }
section { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1.5rem; }
section > h2, section > p { grid-column: 1 / -1; margin: 0; }
section > h2 { margin-top: 1.5rem; }
figure { margin: 0; }
img { width: 100%; height: auto; border: 1px solid #ccc; image-rendering: pixelated; }
figcaption { font-size: .85rem; color: #444; }
"""


@dataclass
class Section:
    """A heading, a sentence about what follows, and pictures (file name, caption)."""

    heading: str
    about: str
    figures: list[tuple[str, str]] = field(default_factory=list)


class ContactSheet:
    """Pictures are written as they come; `finish` writes index.html, which shows them all."""

    def __init__(self, folder: Path, title: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.title = folder, title
        self.sections: list[Section] = []

    def section(self, heading: str, about: str) -> None:
        """What is added from here on belongs under this heading."""
        self.sections.append(Section(heading, about))

    def add(self, name: str, picture: Image.Image, caption: str) -> None:
        """Write a picture as NAME.png; a name that was used before in this folder's sheet is a bug."""
        file = f"{name}.png"
        assert all(file != used for section in self.sections for used, _ in section.figures), f"{file} comes twice"
        picture.save(self.folder / file)
        self.sections[-1].figures.append((file, caption))

    def finish(self) -> Path:
        """The sheet's path."""
        body = "\n".join(_section(section) for section in self.sections if section.figures)
        path = self.folder / "index.html"
        path.write_text(
            f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(self.title)}</title>\n'
            f"<style>{_STYLE}</style>\n<h1>{escape(self.title)}</h1>\n{body}\n</html>\n",
            encoding="utf-8",
        )
        return path


def _section(section: Section) -> str:
    figures = "\n".join(
        f'<figure><a href="{quote(file)}"><img src="{quote(file)}" alt="{escape(caption)}" loading="lazy"></a>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for file, caption in section.figures
    )
    return f"<section>\n<h2>{escape(section.heading)}</h2>\n<p>{escape(section.about)}</p>\n{figures}\n</section>"
