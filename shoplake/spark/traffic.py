"""What brought a visitor: source, medium and channel, by the campaign's words, else by the page that led here.

Media and channels follow Google Analytics' default channel group (https://support.google.com/analytics/answer/9756891).
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

CHANNELS = {
    "email": ("email", "e-mail", "newsletter"),
    "paid_search": ("cpc", "ppc", "paid_search", "paidsearch"),
    "paid_social": ("paid_social", "paidsocial", "paid-social"),
    "social": ("social", "social-network", "social-media"),
    "affiliate": ("affiliate", "affiliates"),
    "display": ("display", "banner", "cpm"),
    "organic_search": ("organic",),
    "referral": ("referral",),
    "direct": ("(none)",),
}
"""Channel -> the media that it groups; any other medium is `other`."""

_HOST = r"^[a-z][a-z0-9+.-]*://(?:[^/@]*@)?(?:www\.)?([^/:?#]+)"
_SEARCH = r"(^|\.)(google|bing|duckduckgo|yahoo|yandex|baidu|ecosia|qwant|startpage)\."
_SOCIAL = r"(^|\.)(facebook|instagram|pinterest|tiktok|linkedin|reddit|youtube|twitter)\.|^(x\.com|t\.co)$"


def with_traffic(rows: DataFrame, first: str) -> DataFrame:
    """The rows with `traffic_source`, `medium` and `channel`. `first` is a struct: the first event, with `referrer`,
    `page_url`, `utm_source` and `utm_medium`.

    A page of the shop itself has brought nobody. Where the page's address names no host (`/cart`), the shop's own is
    unknown, and any other page may be the shop's: then only search engines and social networks have brought somebody.
    """
    referrer, own = _host(F.col(f"{first}.referrer")), _host(F.col(f"{first}.page_url"))
    is_search, is_social = referrer.rlike(_SEARCH), referrer.rlike(_SOCIAL)
    led_by = F.when(F.coalesce(referrer != own, is_search | is_social), referrer)
    by_host = F.when(is_search, "organic").when(is_social, "social").otherwise("referral")
    campaign, medium = F.col(f"{first}.utm_source"), F.lower(F.col(f"{first}.utm_medium"))
    return rows.withColumns(
        {
            "traffic_source": F.coalesce(campaign, led_by, F.lit("(direct)")),
            "medium": F.when(medium.isNotNull(), medium)
            .when(campaign.isNotNull(), "(not set)")
            .when(led_by.isNotNull(), by_host)
            .otherwise("(none)"),
        }
    ).withColumn("channel", _channel(F.col("medium")))


def _host(address: Column) -> Column:
    found = F.regexp_extract(F.lower(address), _HOST, 1)
    return F.when(found != "", found)


def _channel(medium: Column) -> Column:
    pairs = [part for channel, media in CHANNELS.items() for name in media for part in (F.lit(name), F.lit(channel))]
    return F.coalesce(F.create_map(*pairs)[medium], F.lit("other"))
