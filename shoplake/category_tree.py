"""Where each category stands in the tree: the names from the top down to it.

Plain Python, since a shop has thousands of categories, not millions, and a path has any depth.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Category:
    """A category as its file has it. `stated_path`: the names from the top to itself, where the source gives them."""

    name: str
    parent_id: str | None = None
    stated_path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """A category's path, and what is wrong with its parent."""

    path: tuple[str, ...]
    is_in_cycle: bool = False
    is_parent_unknown: bool = False


def place(categories: Mapping[str, Category]) -> dict[str, Place]:
    """The place of each category, by its id: its parent's path and its own name.

    A path begins anew at a category that has no parent among these, and at each category of a cycle: its path is
    the one that its source states, else its name alone.
    """
    places: dict[str, Place] = {}
    for start in categories:
        upwards: dict[str, None] = {}  # to a category whose place is known, or to one met before
        each: str | None = start
        while each is not None and each not in places and each not in upwards:
            upwards[each] = None
            each = _parent(categories, each)
        met_again = each is not None and each in upwards
        while met_again and each not in places:
            places[each] = Place(_beginning(categories[each]), is_in_cycle=True)
            each = _parent(categories, each)
        for below in reversed(upwards):
            if below not in places:
                places[below] = _under_its_parent(categories, below, places)
    return places


def _under_its_parent(categories: Mapping[str, Category], category_id: str, places: dict[str, Place]) -> Place:
    category, parent = categories[category_id], _parent(categories, category_id)
    if parent is None:
        return Place(_beginning(category), is_parent_unknown=category.parent_id is not None)
    return Place((*places[parent].path, category.name))


def _parent(categories: Mapping[str, Category], category_id: str) -> str | None:
    """The parent's id, where it is one of the categories."""
    parent = categories[category_id].parent_id
    return parent if parent in categories else None


def _beginning(category: Category) -> tuple[str, ...]:
    return category.stated_path or (category.name,)
