"""The languages a transcript may be in (ISO 639-1) and those Whisper can listen to; `checks.py` asks."""

from __future__ import annotations

_ISO_639_1 = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el "
    "en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu "
    "ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na "
    "nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so "
    "sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
# The codes of Whisper's own language tokens; "jw", "haw" and "yue" are not ISO 639-1.
_WHISPER = (
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id "
    "is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd "
    "si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh"
)

LISTENABLE = frozenset(_WHISPER.split())
KNOWN = frozenset(_ISO_639_1.split()) | LISTENABLE
# Codes that Whisper spells in another way.
_LISTENING_NAMES = {"jv": "jw", "nb": "no"}


def base_code(code: str) -> str:
    """Return the language of a tag such as `en-US` or `pt_BR`, in lower case."""
    return code.strip().lower().replace("_", "-").split("-")[0]


def listening_code(code: str) -> str:
    """Return Whisper's name for a language."""
    return _LISTENING_NAMES.get(code, code)
