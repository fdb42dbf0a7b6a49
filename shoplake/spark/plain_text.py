"""Plain text of what people write into a shop's forms."""

from pyspark.sql import Column
from pyspark.sql import functions as F

# Patterns take time that grows with the text alone: a review may have megabytes.
_TAG = r"</?[A-Za-z][^<>]*>|<!--[^<>]*-->"  # not `<3` or `a < b`
# Numbers beyond Unicode's last character (10FFFF), on which commons-text raises; the little below it is private use.
_NO_CHARACTER = r"&#(?:0*+\d{7,}+|[xX]0*+[0-9A-Fa-f]{6,}+);"
_CONTROL = r"[\p{Cc}&&[^\n\t]]"
_BLANKS = " \n\t\u00a0"


def plain_text(text: Column) -> Column:
    """The text without HTML's tags, with characters for its entities, without control characters; null where nothing
    is left. Line breaks are line feeds. Everything else, emoji and marks of writing direction included, stays.
    """
    without_tags = F.regexp_replace(F.regexp_replace(text, _TAG, " "), _NO_CHARACTER, "")
    feeds = F.regexp_replace(_unescaped(without_tags), r"\r\n?", "\n")
    clean = F.btrim(F.regexp_replace(feeds, _CONTROL, ""), F.lit(_BLANKS))
    return F.when(clean != "", clean)


def _unescaped(text: Column) -> Column:
    """HTML's entities as characters, once, by the library that Spark itself brings; it knows HTML 4's names."""
    unescape = F.lit("org.apache.commons.text.StringEscapeUtils"), F.lit("unescapeHtml4")
    known = F.regexp_replace(text, "&apos;", "'")
    return F.when(known.contains("&"), F.reflect(*unescape, known)).otherwise(known)
