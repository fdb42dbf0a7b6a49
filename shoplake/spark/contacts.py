"""E-mail addresses and telephone numbers in one form each, so that the same one is the same text everywhere."""

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

# Something before the @, a domain of two parts or more after it: RFC 5322 allows more than any shop's customers have.
EMAIL = r"^[^@\s,;<>()\"]+@([^@\s.,;<>()\"]+\.)+[^@\s.,;<>()\"]{2,}$"


def email_address(text: Column) -> Column:
    """The address in lower letters; null where the text is none. Takes trimmed text."""
    return F.when(text.rlike(EMAIL), F.lower(text))


def phone_number(text: Column, region: Column) -> Column:
    """The number as ITU's E.164 writes it (`+447700900123`); null where the text is none, in the country of `region` if
    it names no other.
    """
    return F.udf(e164_reader(), T.StringType())(text, region)


def country_code(country: Column, regions: dict[str, str], default: str | None) -> Column:
    """The ISO 3166 code of a country's name, by `regions` (folded name -> code), or of a code; else the default."""
    folded = F.regexp_replace(F.lower(country), r"[^\p{L}\p{N}]+", "")
    readings = [F.when(country.rlike("^[A-Za-z]{2}$"), F.upper(country)), F.lit(default)]
    if regions:
        names = F.create_map(*(F.lit(part) for pair in regions.items() for part in pair))
        readings.insert(0, names[folded])
    return F.coalesce(*readings)


def e164_reader() -> Callable[[str | None, str | None], str | None]:
    """A function of a text and the country (ISO 3166) whose numbers need no prefix there.

    A function within this one travels to Spark's Python workers as it is: they have phonenumbers, and may not have
    this package.
    """

    def e164(text: str | None, region: str | None) -> str | None:
        import phonenumbers

        if text is None:
            return None
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            return None
        # As long as a number there can be. Which ranges are in use changes with every release of the library.
        if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
            return None
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    return e164
