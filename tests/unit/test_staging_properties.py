"""What must hold for every input: round trips, one meaning of two paths, and no record lost."""

import csv
import io
import itertools

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shoplake.staging.careful import Dialect, read_records
from shoplake.staging.records import Batch, Layout, RecordReader
from tests.unit.staging_fakes import stage_bytes

DELIMITERS = st.sampled_from([",", ";", "\t", "|"])
# Many control characters make a file binary.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
CELL = st.one_of(TEXT, st.text(alphabet='a",;|\t\n ', max_size=6))
ROWS = st.lists(st.tuples(CELL, CELL, CELL), max_size=12)

# Bits that make every kind of mess when put together.
MESS = st.lists(
    st.sampled_from(["a", '"', '""', ",", ";", "\n", "\r\n", "\r", "\0", '"a"', ',"', '",', "é", "a,a,a\n", " "]),
    max_size=60,
).map(lambda pieces: "".join(pieces).encode())


@given(
    rows=ROWS,
    delimiter=DELIMITERS,
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    read_size=st.sampled_from([1, 5, 1_000_000]),
)
@settings(deadline=None)
def test_what_pythons_csv_writer_wrote_comes_back_exactly(rows, delimiter, ending, quoting, encoding, read_size):
    if ending == "\r":
        quoting = csv.QUOTE_ALL  # else a newline at a row's beginning makes a CRLF out of the CR before it
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=quoting)
    writer.writerow(["id", "name", "price"])
    writer.writerows(rows)
    staged = stage_bytes(text.getvalue().encode(encoding), read_size=read_size)
    assert staged.cells == rows
    assert staged.rejects == []


@given(data=MESS, delimiter=DELIMITERS)
@settings(deadline=None)
def test_the_careful_path_reads_as_pythons_csv_module_does(data, delimiter):
    text = data.decode().replace("\r", "").replace("\0", "") + "\n"
    dialect = Dialect(delimiter.encode(), b"\n")
    records = list(read_records(text.encode(), dialect, 10_000, final=True))
    if any(record.reason for record in records):
        return  # csv runs on to the end of the file where a quote never closes
    ours = [[cell.decode() for cell in r.cells] for r in records if r.content_end > r.start]
    theirs = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    assert ours == [row for row in theirs if row]


@given(
    data=MESS,
    delimiter=DELIMITERS,
    terminator=st.sampled_from([b"\n", b"\r"]),
    width=st.integers(1, 3),
    max_record_bytes=st.sampled_from([5, 20, 1000]),
    cuts=st.lists(st.integers(0, 100), max_size=6),
)
@example(b'"a"\r\n"b"\r\n', ",", b"\n", 1, 1000, [4])
@example(b'"a"\rb\n', ",", b"\n", 1, 1000, [])
@example(b'a","b\na","b\na","b\na","b\n', ",", b"\n", 3, 10, [])
@settings(max_examples=500, deadline=None)
def test_both_paths_and_all_cuts_into_chunks_give_the_same(data, delimiter, terminator, width, max_record_bytes, cuts):
    layout = Layout(
        dialect=Dialect(delimiter.encode(), terminator),
        width=width,
        positions=list(reversed(range(width))),
        first_line=2,
        max_record_bytes=max_record_bytes,
    )
    whole_carefully = contents(RecordReader(layout, use_fast_path=False).batches([data]))
    pieces = list(cut(data, cuts))
    assert contents(RecordReader(layout).batches([data])) == whole_carefully
    assert contents(RecordReader(layout).batches(pieces)) == whole_carefully
    assert contents(RecordReader(layout, use_fast_path=False).batches(pieces)) == whole_carefully


@given(data=MESS, read_size=st.sampled_from([1, 7, 1_000_000]), max_record_bytes=st.sampled_from([15, 1000]))
@settings(deadline=None)
def test_no_record_is_lost_or_counted_twice(data, read_size, max_record_bytes):
    staged = stage_bytes(b"id,name,price\n" + data, read_size=read_size, max_record_bytes=max_record_bytes)
    found = staged.staging
    assert found.refusal is None
    assert found.rows_read == found.rows_staged + found.rows_quarantined
    assert (found.rows_staged, found.rows_quarantined) == (len(staged.records), len(staged.rejects))
    lines = [record[0] for record in staged.records] + [reject["line"] for reject in staged.rejects]
    assert len(set(lines)) == found.rows_read


@given(data=MESS)
@settings(deadline=None)
def test_raw_texts_and_blanks_make_up_the_whole_file(data):
    layout = Layout(Dialect(b",", b"\n"), width=3, positions=[0], first_line=1, max_record_bytes=1000)
    records, rejects = contents(RecordReader(layout).batches([data]))
    raws = {line: raw for line, raw, *_ in records} | {reject.line: reject.raw_text for reject in rejects}
    text = "\n".join(raws[line] for line in sorted(raws))
    assert squeezed(text) == squeezed(data.decode())


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_get_an_answer(data):
    found = stage_bytes(data).staging
    assert found.refusal is None or found.rows_read == 0


def contents(batches) -> tuple[list, list]:
    """All records as (line, raw, cells...) and all rejects."""
    records, rejects = [], []
    for batch in batches:
        assert isinstance(batch, Batch)
        arrays = [batch.lines, batch.raw, *batch.columns]
        for array in arrays:
            array.validate(full=True)
        records += list(zip(*(array.to_pylist() for array in arrays), strict=True))
        rejects += batch.rejects
    return records, rejects


def cut(data: bytes, places: list[int]):
    """`data` in pieces, some of them empty."""
    bounds = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    for start, end in itertools.pairwise(bounds):
        yield data[start:end]


def squeezed(text: str) -> str:
    """Without white space, which blank lines and line endings are made of."""
    return "".join(text.split())
