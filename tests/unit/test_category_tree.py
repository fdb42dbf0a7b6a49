"""The tree of categories: paths of any depth, cycles that are told and not followed, parents that nobody knows."""

from hypothesis import given
from hypothesis import strategies as st

from shoplake.category_tree import Category, Place, place


def paths(**categories: Category) -> dict[str, str]:
    return {each: "/".join(found.path) for each, found in place(categories).items()}


def test_a_path_is_the_parents_path_and_the_own_name_whatever_comes_first():
    assert paths(
        cups=Category("Cups", "kitchen"), home=Category("Home"), kitchen=Category("Kitchen", "home")
    ) == {"cups": "Home/Kitchen/Cups", "home": "Home", "kitchen": "Home/Kitchen"}  # fmt: skip


def test_a_path_has_any_depth():
    deep = {str(n): Category(str(n), str(n - 1) if n else None) for n in reversed(range(5000))}
    assert place(deep)["4999"].path == tuple(map(str, range(5000)))


def test_a_cycle_is_told_and_not_followed():
    found = place({"a": Category("A", "c"), "b": Category("B", "a"), "c": Category("C", "b"), "d": Category("D", "b")})
    assert found == {
        "a": Place(("A",), is_in_cycle=True),
        "b": Place(("B",), is_in_cycle=True),
        "c": Place(("C",), is_in_cycle=True),
        "d": Place(("B", "D")),
    }


def test_a_category_above_itself_is_a_cycle():
    assert place({"a": Category("A", "a")}) == {"a": Place(("A",), is_in_cycle=True)}


def test_an_unknown_parent_is_told_and_the_path_begins_below_it():
    found = place({"a": Category("A", "gone"), "b": Category("B", "a")})
    assert found == {"a": Place(("A",), is_parent_unknown=True), "b": Place(("A", "B"))}


def test_where_the_parent_is_unknown_the_sources_own_path_holds():
    found = place({"a": Category("A", "gone", ("Home", "Gone", "A")), "b": Category("B", "a")})
    assert found == {"a": Place(("Home", "Gone", "A"), is_parent_unknown=True), "b": Place(("Home", "Gone", "A", "B"))}


IDS = st.sampled_from("abcdefgh")
TREES = st.dictionaries(IDS, st.one_of(st.none(), IDS, st.just("nobody")), min_size=1)


@given(parents=TREES, data=st.data())
def test_places_do_not_depend_on_the_order_of_the_categories(parents, data):
    tree = {each: Category(each.upper(), parent) for each, parent in parents.items()}
    order = data.draw(st.permutations(sorted(tree)))
    assert place(tree) == place({each: tree[each] for each in order})


@given(parents=TREES)
def test_a_category_is_in_a_cycle_when_its_parents_lead_back_to_it(parents):
    found = place({each: Category(each, parent) for each, parent in parents.items()})
    for each in parents:
        above, steps = parents[each], 0
        while above in parents and above != each and steps < len(parents):
            above, steps = parents[above], steps + 1
        assert found[each].is_in_cycle == (above == each)
