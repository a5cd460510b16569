from vistok.api import Comparison as Comparison
from vistok.api import Score as Score
from vistok.api import compare as compare
from vistok.api import score as score
from vistok.errors import VistokError as VistokError

__version__: str
