"""What the world is made of: its categories, colours, sizes and backgrounds, and how each is spelt."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of object.

    Attributes:
        name: the singular, as COCO would list it; one name has two words, as "wine glass" has.
        plural: the plural; one is irregular, as "knives" is.
        word: the one word that answers "which object ...?".
        color: what most objects of this category have; six colours are typical of nine categories.
    """

    name: str
    plural: str
    word: str
    color: str

    @property
    def compact(self) -> str:
        """The name without spaces, as VCR spells its classes."""
        return self.name.replace(" ", "")

    @property
    def compact_plural(self) -> str:
        return self.plural.replace(" ", "")


CATEGORIES = (
    Category("square", "squares", "square", "red"),
    Category("circle", "circles", "circle", "blue"),
    Category("ring", "rings", "ring", "green"),
    Category("triangle", "triangles", "triangle", "yellow"),
    Category("star", "stars", "star", "purple"),
    Category("cross", "crosses", "cross", "white"),
    Category("half moon", "half moons", "moon", "red"),
    Category("ladder", "ladders", "ladder", "blue"),
    Category("leaf", "leaves", "leaf", "green"),
)
BY_NAME = {category.name: category for category in CATEGORIES}
CATEGORY_NAMES = tuple(BY_NAME)
COCO_IDS = {name: position for position, name in enumerate(CATEGORY_NAMES, start=1)}

COLORS = {
    "red": (214, 30, 30),
    "blue": (36, 66, 214),
    "green": (28, 150, 48),
    "yellow": (240, 212, 36),
    "purple": (148, 46, 190),
    "white": (240, 240, 240),
}
COLOR_NAMES = tuple(COLORS)
BACKGROUNDS = {
    "grass": (104, 146, 66),
    "sand": (202, 176, 124),
    "water": (112, 164, 196),
    "stone": (124, 122, 128),
}
BACKGROUND_NAMES = tuple(BACKGROUNDS)
SIZES = ("large", "small")
NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

IMAGE_SIZE = 48
CELL = 16
CELLS = 9
