"""Hooks into the emulator fail loudly when it is no longer the one that the gaps were written for."""

import types

import pytest

from local.gaps import hooks


@pytest.fixture
def module():
    made = types.ModuleType("ministack.services.example")
    made.receive = lambda queue_url, max_number: "stock"
    return made


def test_a_replacement_takes_the_place_of_the_stock_function_which_is_returned(module):
    stock = hooks.replace(module, "receive", lambda queue_url, max_number: "ours", ("queue_url", "max_number"))
    assert (module.receive("q", 1), stock("q", 1)) == ("ours", "stock")


def test_a_missing_function_is_named(module):
    with pytest.raises(hooks.HookMismatch, match=r"has no function ministack\.services\.example\.send"):
        hooks.replace(module, "send", print, ())


def test_other_parameters_are_shown_and_nothing_is_replaced(module):
    stock = module.receive
    with pytest.raises(hooks.HookMismatch, match=r"takes \(queue_url, max_number\).*expects \(queue\)"):
        hooks.replace(module, "receive", print, ("queue",))
    assert module.receive is stock


def test_another_release_is_refused(module, monkeypatch):
    monkeypatch.setattr(hooks, "version", lambda name: "1.6.0")
    with pytest.raises(hooks.HookMismatch, match=r"needs ministack 1\.5\.33 but 1\.6\.0 is installed"):
        hooks.replace(module, "receive", print, ("queue_url", "max_number"))


def test_a_method_of_a_class_can_be_replaced():
    class Worker:
        def invoke(self, event):
            return "stock"

    hooks.replace(Worker, "invoke", lambda self, event: "ours", ("self", "event"))
    assert Worker().invoke({}) == "ours"
