"""Personal data: jobs see of it what the contract lets tables keep. A value is dropped, masked (whole, or the e-mail
addresses within it), or replaced by its keyed hash, by which the same person is found in other tables and by nobody
without the key.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from shoplake.contracts import Contract
from shoplake.personal_data import HashKey
from shoplake.spark.contacts import EMAIL

KEY_VERSION = "_key_version"
_BLOCK_BYTES = 64  # of SHA-256
_INNER, _OUTER = "_inner_pad", "_outer_pad"
_IPV4 = r"^\d{1,3}(\.\d{1,3}){3}$"
_IPV6 = r"^[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*$"
_LOGIN = r"(://)[^/?#\s]*@"  # of an address: ann:secret@
_EMAIL_CHARACTER = r"[^\s/?#&=;:,<>()\"@*]"
# From where a part of an address begins, since a search from each of its letters would take the square of its length.
# Within an address @ is %40, and %2540 within an address within it.
_EMAIL_WITHIN = rf"(?<!{_EMAIL_CHARACTER}){_EMAIL_CHARACTER}+(@|%(25)*40){_EMAIL_CHARACTER}+"
_PHONE = r"^\+?[\d\s()./-]{6,}$"


def protect(rows: DataFrame, contract: Contract, key: HashKey | None) -> DataFrame:
    """The rows with nothing personal in the contract's columns, and `_key_version`, the version of the key.

    A dropped column is there and null. `key` may be None where the contract hashes none. Values that broke a rule
    stand in `_problems` and `_raw` as they came: those are for quarantine alone.
    """
    changed: dict[str, Column] = {KEY_VERSION: F.lit(key.version if key else None).cast("string")}
    for name, kept in contract.personal.items():
        match kept:
            case "drop":
                changed[name] = F.lit(None).cast("string")
            case "mask":
                changed[name] = masked(F.col(name))
            case "mask_emails":
                changed[name] = without_emails(F.col(name))
            case "hash":
                changed[name] = _keyed_hash(F.col(name))
    if key is None:
        return rows.withColumns(changed)
    return _with_pads(rows, key).withColumns(changed).drop(_INNER, _OUTER)


def masked(text: Column) -> Column:
    """What may be shown of a personal value: `m***@example.com`, `+44*****123`, `203.0.*.*`, else the first letter of
    each word, `A*** S***`, also where an address is only a part of the text.
    """
    digits = F.regexp_replace(text, r"[^+\d]", "")
    return (
        F.when(text.rlike(EMAIL), F.regexp_replace(text, r"^(.).*@", "$1***@"))
        .when(text.rlike(_IPV4), F.regexp_replace(text, r"^(\d+\.\d+).*$", "$1.*.*"))
        .when(text.rlike(_IPV6), F.concat(F.substring_index(text, ":", 1), F.lit(":***")))
        .when(
            text.rlike(_PHONE),
            F.when(F.length(digits) < 9, "*****").otherwise(
                F.concat(F.substring(digits, 1, 3), F.lit("*****"), F.substring(digits, -3, 3))
            ),
        )
        .otherwise(F.regexp_replace(text, r"(\S)\S+|\S", "$1***"))
    )


def without_emails(address: Column) -> Column:
    """An address of the web with `***` for each login and e-mail address in it, percent-encoded ones too."""
    without_login = F.regexp_replace(address, _LOGIN, "$1***@")
    found = F.regexp_replace(without_login, _EMAIL_WITHIN, "***")
    return F.when(address.rlike("@|%(25)*40"), found).otherwise(address)


def _with_pads(rows: DataFrame, key: HashKey) -> DataFrame:
    """The rows with what HMAC makes of the key. In columns: a literal would stand in every plan that is logged."""
    block = key.key.ljust(_BLOCK_BYTES, b"\0")
    pads = [bytearray(byte ^ pad for byte in block) for pad in (0x36, 0x5C)]
    return rows.crossJoin(F.broadcast(rows.sparkSession.createDataFrame([pads], f"{_INNER} binary, {_OUTER} binary")))


def _keyed_hash(text: Column) -> Column:
    """HMAC-SHA-256 in hexadecimal, as RFC 2104 builds it of two plain hashes; null of null."""
    inner = F.unhex(F.sha2(F.concat(F.col(_INNER), F.encode(text, "UTF-8")), 256))
    return F.sha2(F.concat(F.col(_OUTER), inner), 256)
