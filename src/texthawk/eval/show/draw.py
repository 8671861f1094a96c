"""The pictures of one page, section by section: views, feature levels, pyramid, visual tokens, a word of the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import Tensor

from texthawk.compress.hiwin import Hiwin
from texthawk.eval.show.colours import palette, pyramid_colours
from texthawk.eval.show.contact import ContactSheet
from texthawk.eval.show.looking import Look
from texthawk.eval.show.mosaic import enlarged, heat_of, laid_out, view_boxes, whole_number
from texthawk.eval.show.pictures import framed, heated, side_by_side
from texthawk.eval.show.shown import Shown
from texthawk.eval.show.sources import TokenMap
from texthawk.eval.show.words import WordSources
from texthawk.image.tiles import cut_views
from texthawk.types import Box


@dataclass(frozen=True)
class Drawing:
    """A sheet in the making: `seen` is what was seen in the picture `shown`, which was made of the page.

    turn: in words how the page was turned before, "" where it was not.
    random: whether the connector has learned nothing, which is said wherever its weights are shown.
    """

    sheet: ContactSheet
    page: Image.Image
    shown: Shown
    seen: Look
    turn: str = ""
    random: bool = False

    @property
    def picture(self) -> Image.Image:
        return self.shown.image

    @property
    def _unlearned(self) -> str:
        return " The connector's weights are random." if self.random else ""

    def views(self, all_shown: Sequence[Shown]) -> None:
        """Where the page is cut, and what the tower gets."""
        layout, sheet = self.seen.layout, self.sheet
        patches = sum(group.levels[0][..., 0].numel() for group in self.seen.groups)
        thumbnail = " and a thumbnail" if layout.thumbnail else ""
        sheet.section(
            "What is sent",
            f"{layout.rows} x {layout.columns} views{thumbnail}: {patches} patches become {len(self.seen.sequence)} "
            f"visual tokens. {self.turn}".strip(),
        )
        if self.shown.window is not None:
            boxes = [_around(box) for each in all_shown for box in each.boxes]
            labels = [str(number) for number, each in enumerate(all_shown, 1) for _ in each.boxes]
            mine = all_shown.index(self.shown) + 1
            caption = (
                f"The page's lines, each with the number of the picture it is sent in; what follows is number {mine}"
            )
            sheet.add("rows", framed(self.page, boxes, labels), caption)
        boxes = view_boxes(layout, self.picture.size)
        thumbnail_at = whole_number(layout)
        cuts = [number for number in range(layout.tiles) if number != thumbnail_at]
        if cuts:
            marked = framed(self.picture, [boxes[k] for k in cuts], [str(k) for k in cuts])
            sheet.add("views-on-page", marked, "Where each view is cut")
        views = [view.permute(1, 2, 0).numpy() for view in cut_views(self._resized(), layout)]
        if cuts:
            sheet.add(
                "views", side_by_side([views[k] for k in cuts], layout.columns), "The views as the tower gets them"
            )
        if thumbnail_at is not None:
            sheet.add("thumbnail", Image.fromarray(views[thumbnail_at]), "The whole, as one more view")

    def levels(self) -> None:
        """Each level of the tower in colours."""
        self.sheet.section(
            "Feature levels",
            "Patches whose features are alike have like colours: red, green and blue are the first three principal "
            "components of a level over all views.",
        )
        for level, layer in enumerate(self.seen.eyes.tower.layers):
            maps = [group.levels[level] for group in self.seen.groups]
            paint = palette(maps)
            views = [view for each in maps for view in paint(each)]
            self._colours(f"level-{level}", [views[k] for k in self.seen.order], f"Layer {layer} of the tower")

    def pyramid(self) -> None:
        """Each scale of the inverse semantic pyramid, where the connector has one."""
        connector = self.seen.eyes.connector
        if not isinstance(connector, Hiwin):
            return
        self.sheet.section(
            "Pyramid",
            "Each scale before and after details of the picture are injected, with the tower's map enlarged bilinearly "
            f"beside it; all in the colours of the tower's deepest level.{self._unlearned}",
        )
        for colours in pyramid_colours(connector, self.seen.groups, self.seen.order):
            scale = f"{colours.scale}x"
            self._colours(f"pyramid-{scale}-bilinear", colours.bilinear, f"{scale}, bilinear from the tower's map")
            self._colours(
                f"pyramid-{scale}-before", colours.before, f"{scale}, before details: the level below, bicubic"
            )
            self._colours(f"pyramid-{scale}-after", colours.after, f"{scale}, after details")

    def token(self, number: int, found: TokenMap) -> None:
        """What a visual token draws on at each level."""
        about = f"Number {number} of 0 to {len(self.seen.sequence) - 1} in the page's sequence. Shown: {found.how}."
        if found.place is not None:
            about += " Framed: the view that they see, and where on it they stand."
        self.sheet.section(f"Visual token {number}", about + self._unlearned)
        frames = [view_boxes(self.seen.layout, self.picture.size)[found.main_view]]
        if found.place is not None:
            frames.append(_within(frames[0], found.place))
        for k, level in enumerate(found.levels):
            heat = heat_of(level.views, self.seen.layout, self.picture.size)
            self.sheet.add(f"token-{number}-level-{k}", framed(heated(self.picture, heat), frames), level.name)
        if self.shown.window is not None:
            heat = self.shown.on_page(heat_of_levels(found, self.seen, self.picture.size), self.page.size)
            self.sheet.add(
                f"token-{number}-on-page", heated(self.page, heat), "All levels together, on the page itself"
            )

    def word(self, text: str, about: str, found: WordSources) -> None:
        """What a word of the answer draws on, by attention and by gradient."""
        share = float(found.attention.sum())
        self.sheet.section(f"The word “{text}”", f"{about} {share:.0%} of its attention goes to the page.")
        through = (
            "By attention: that of the language model to visual tokens (mean over layers and heads) times what each of "
            f"them draws on ({found.through.how}); the {len(found.tokens)} tokens it looks at most, which hold "
            f"{found.held:.0%} of its attention to the page; all levels together"
        )
        by_gradient = f"By gradient: {found.gradient.how}; all levels together"
        for name, sources, caption in (
            ("attention", found.through, through),
            ("gradient", found.gradient, by_gradient),
        ):
            heat = heat_of_levels(sources, self.seen, self.picture.size)
            self.sheet.add(f"word-{name}", heated(self.picture, heat), caption)
            if self.shown.window is not None:
                laid = heated(self.page, self.shown.on_page(heat, self.page.size))
                self.sheet.add(f"word-{name}-on-page", laid, f"{caption}; on the page itself")

    def _resized(self) -> Image.Image:
        """The picture at the size that the tiling first brings it to."""
        height, width = self.seen.eyes.images.tiling_for().first_size(self.picture.height, self.picture.width)
        if self.picture.size == (width, height):
            return self.picture
        return self.picture.resize((width, height), Image.Resampling.BICUBIC)

    def _colours(self, name: str, views: Sequence[Tensor], caption: str) -> None:
        """Coloured views (h, w, 3) at the picture's size, the thumbnail by itself."""
        cuts, thumbnail = laid_out(views, self.seen.layout)
        if cuts is not None:
            self.sheet.add(name, Image.fromarray(enlarged(cuts.numpy(), self.picture.size)), caption)
        if thumbnail is not None:
            painted = Image.fromarray(enlarged(thumbnail.numpy(), self.picture.size))
            self.sheet.add(f"{name}-thumbnail", painted, f"{caption}: the thumbnail")


def heat_of_levels(found: TokenMap, seen: Look, size: tuple[int, int]) -> np.ndarray:
    """Heat of all levels together on a picture of this (width, height), as parts of one."""
    heats = [heat_of(level.views, seen.layout, size) for level in found.levels]
    return np.sum(heats, axis=0) / max(found.total, 1e-30)


def _around(box: Box) -> Box:
    """A box with a little room for the frame."""
    return Box(box.left - 4, box.top - 4, box.right + 4, box.bottom + 4)


def _within(view: Box, part: Box) -> Box:
    """A part of a view, given in parts of its sides, in pixels."""
    return Box(
        view.left + part.left * view.width,
        view.top + part.top * view.height,
        view.left + part.right * view.width,
        view.top + part.bottom * view.height,
    )
