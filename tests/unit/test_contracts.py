"""Contracts: how a header finds its source and columns, and what a broken contract is told."""

import shutil
from datetime import UTC, datetime

import pytest
import yaml

from shoplake.contracts import fold, load_contract
from shoplake.errors import ConfigurationError
from shoplake.root import root

UCI = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]


@pytest.fixture(scope="module")
def contract():
    return load_contract("transactions")


def test_an_export_of_uci_is_recognised_by_its_header(contract):
    match = contract.match_header(UCI)
    assert (match.source.name, match.missing, match.extra, match.ambiguous) == ("uci", (), (), {})
    assert match.columns == {
        "order_id": 0, "product_id": 1, "product_name": 2, "quantity": 3, "ordered_at": 4, "unit_price": 5,
        "customer_id": 6, "country": 7,
    }  # fmt: skip


def test_names_match_without_case_spaces_and_punctuation(contract):
    match = contract.match_header(["Order-ID", "S K U", "QTY.", "unit price", "Order Date"])
    assert (match.source.name, match.missing) == ("plain", ())


def test_a_line_number_makes_the_source_one_that_is_keyed_by_it(contract):
    match = contract.match_header(["order_id", "line_no", "sku", "qty", "price", "order_date"])
    assert match.source.key == "line_number"


def test_a_missing_required_column_is_named(contract):
    assert contract.match_header(["order_id", "sku", "qty", "order_date"]).missing == ("unit_price",)


def test_unknown_columns_are_reported_and_cells_without_a_name_are_not(contract):
    assert contract.match_header([*UCI, "gift_note", ""]).extra == ("gift_note",)


def test_a_columns_own_name_goes_before_its_synonyms(contract):
    match = contract.match_header(["invoice_no", "order_id", "sku", "qty", "price", "order_date"])
    assert (match.columns["order_id"], match.extra) == (1, ("invoice_no",))


def test_a_name_that_stands_twice_is_ambiguous(contract):
    match = contract.match_header(["order_id", "sku", "qty", "QTY", "price", "order_date"])
    assert match.ambiguous == {"quantity": ["qty", "QTY"]}


@pytest.mark.parametrize(
    ("header", "ambiguous"),
    [
        (["sku", "id", "name", "price"], {"product_id": ["id", "sku"]}),
        (["product_id", "id", "sku", "name", "price"], {}),
        (["id", "name", "price"], {}),
        (["SKU", "name", "title", "price", "list_price"], {}),
        (["name", "price", "image", "categories", "popularity", "id", "sku"], {}),
    ],
)
def test_a_catalogue_with_two_keys_must_say_which_one_orders_name(header, ambiguous):
    match = load_contract("products").match_header(header)
    assert match.ambiguous == ambiguous
    assert not {*match.extra} & {name for names in ambiguous.values() for name in names}


def test_a_source_folder_decides_over_the_header(contract):
    assert contract.bound_to("plain").match_header(UCI).source.name == "plain"
    assert contract.bound_to("nobody").match_header(UCI).source.name == "uci"


def test_folding_keeps_letters_of_other_alphabets():
    assert fold("Größe (cm)") == fold("GRÖSSE_CM") == "grössecm"


def test_an_earliest_instant_is_utc_where_it_names_no_offset(contract):
    assert contract.by_name["ordered_at"].not_before == datetime(1970, 1, 1, tzinfo=UTC)


def test_cancellations_in_the_order_number_are_ucis_alone(contract):
    assert {s.name: s.cancellation_pattern for s in contract.sources} == {"uci": r"^C\d", "shop": None, "plain": None}


def broken(tmp_path, change) -> str:
    """What is said of the contract after a change to its text or content."""
    source = root() / "contracts" / "transactions.odcs.yaml"
    target = tmp_path / source.name
    shutil.copy(source, target)
    content = yaml.safe_load(target.read_text())
    change(content)
    target.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(ConfigurationError) as error:
        load_contract("transactions", tmp_path)
    return str(error.value)


def column(content, name):
    return next(p for p in content["schema"][0]["properties"] if p["name"] == name)


def words(content, name):
    return next(p["value"] for p in content["customProperties"] if p["property"] == name)


def currency_word(content: dict) -> dict:
    return column(content, "currency")["customProperties"][0]


def not_before(content: dict) -> dict:
    found = column(content, "ordered_at")["customProperties"]
    return next(p for p in found if p["property"] == "notBefore")


def personal(content: dict, name: str, word: str) -> None:
    entry = {"property": "personalData", "vendor": "shoplake", "value": word}
    column(content, name).setdefault("customProperties", []).append(entry)


def uci(content: dict) -> dict:
    return words(content, "sources")[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: column(c, "quantity").update(requird=True), "requird"),
        (lambda c: column(c, "quantity").update(logicalType="number of things"), "number of things"),
        (lambda c: currency_word(c).update(value="uper"), "'uper' is not one of upper"),
        (lambda c: currency_word(c).update(property="normalizer"), "does not know 'normalizer'"),
        (
            lambda c: column(c, "country").update(synonyms=[{"synonym": "qty"}]),
            "the name 'qty' already leads to column quantity",
        ),
        (lambda c: column(c, "currency")["logicalTypeOptions"].update(pattern="[A-Z"), "is not a regular expression"),
        (lambda c: uci(c).update(time_zone="Europe/Londn"), "'Europe/Londn' is not an IANA time zone"),
        (lambda c: uci(c).update(key="line"), "'line' is not one of lines, line_number, id"),
        (lambda c: uci(c).update(defaults={"curency": "GBP"}), "does not know 'curency'"),
        (lambda c: uci(c).update(cancellation_pattern="C("), "cancellation_pattern: pattern 'C(' is not a regular"),
        (lambda c: uci(c).update(cancellation_pattern=7), "cancellation_pattern: pattern 7 is not a regular"),
        (lambda c: not_before(c).update(value="the beginning"), "notBefore 'the beginning' is not an instant such as"),
        (
            lambda c: column(c, "country").update(customProperties=[not_before(c)]),
            "column country: notBefore is for timestamps",
        ),
        (lambda c: uci(c).update(extract={"sku": "(x)"}), "extract: does not know 'sku'"),
        (lambda c: uci(c).update(extract={"product_id": "(x"}), "pattern '(x' is not a regular expression"),
        (lambda c: uci(c).update(extract={"product_id": "x"}), "pattern 'x' has no group"),
        (lambda c: uci(c).update(phone_region="UK1"), "region 'UK1' is not an ISO 3166 code of two letters"),
        (
            lambda c: personal(c, "country", "hide"),
            "column country: personalData: 'hide' is not one of drop, mask, mask_emails, hash",
        ),
        (lambda c: personal(c, "quantity", "hash"), "personalData is for strings, and this is of type integer"),
        (lambda c: personal(c, "order_id", "mask"), "personalData mask would make rows of a primary key one"),
        (lambda c: words(c, "formats").append("xlsx"), "'xlsx' is not one of csv, json_lines, json, parquet"),
        (lambda c: currency_word(c).update(property="fallback", value=["sku"]), "fallback: does not know 'sku'"),
        (
            lambda c: currency_word(c).update(property="fallback", value=[{"column": "country", "pattern": "x"}]),
            "column currency: fallback: pattern 'x' has no group",
        ),
        (lambda c: currency_word(c).update(property="unknownAs", value="other"), "unknownAs: 'other' is not one of"),
        (
            lambda c: c["customProperties"].append({"property": "sessions", "value": {"timeout": "30m"}}),
            "sessions: needs a longest",
        ),
    ],
)
def test_a_broken_contract_gets_one_sentence_with_file_place_and_mistake(tmp_path, change, said):
    sentence = broken(tmp_path, change)
    assert said in sentence
    assert sentence.startswith("contracts/transactions.odcs.yaml: ")
    assert "\n" not in sentence


def test_a_contract_that_is_no_yaml_names_the_line(tmp_path):
    (tmp_path / "transactions.odcs.yaml").write_text("id: transactions\nname: [unclosed\nversion: 1\n")
    with pytest.raises(ConfigurationError, match=r"transactions.odcs.yaml, line 3: not valid YAML"):
        load_contract("transactions", tmp_path)


def test_a_dataset_without_a_contract_is_told_which_file_is_missing(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nothing.odcs.yaml is missing"):
        load_contract("nothing", tmp_path)


def test_a_required_column_may_be_found_in_another_one():
    clicks = load_contract("clickstream")
    assert clicks.match_header(["ts", "action", "session"]).missing == ()
    assert clicks.match_header(["ts", "action"]).missing == ("visitor_id",)


def test_ottos_sessions_are_known_by_their_array_and_by_its_elements():
    clicks = load_contract("clickstream")
    assert clicks.match_header(["session", "events"]).source.name == "otto"
    match = clicks.bound_to("otto").match_header(["session", "aid", "ts", "type"])
    assert match.columns == {"source_session_id": 0, "product_id": 1, "event_time": 2, "event_type": 3}
