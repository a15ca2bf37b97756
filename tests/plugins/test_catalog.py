"""Which class a name in a config means, and that no name can bring in code that is not installed as a plugin."""

import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from ferryman.api import Sink, Transform
from ferryman.plugins import catalog, folders, others
from ferryman.plugins.entry import Entry
from ferryman.plugins.others import Point

KAFKA = "org.apache.kafka.connect"
FILE_SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"


@pytest.mark.parametrize("name", [FILE_SINK, "FileStreamSinkConnector", "FileStreamSink", f"  {FILE_SINK} "])
def test_a_plugin_is_found_by_its_full_name_its_simple_one_and_that_without_what_it_is(name: str) -> None:
    found = catalog.find("sink", name)
    assert found is not None
    assert found.__name__ == "FileStreamSinkConnector"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("converter", f"{KAFKA}.json.JsonConverter"),
        ("converter", "JsonConverter"),
        ("converter", "Json"),
        ("transformation", f"{KAFKA}.transforms.MaskField$Value"),
        ("transformation", "MaskField$Key"),
        ("transformation", "MaskField"),
        ("predicate", "RecordIsTombstone"),
    ],
)
def test_plugins_of_every_kind_are_found(kind: catalog.Kind, name: str) -> None:
    found = catalog.find(kind, name)
    assert found is not None
    assert issubclass(found, catalog.ROOTS[kind])


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("source", FILE_SINK),
        ("sink", "JsonConverter"),
        ("sink", ""),
        ("sink", "FileStream"),
        ("sink", "ferryman.connectors.file.sink.FileStreamSinkConnector"),
        ("converter", "os.path"),
        ("transformation", "filestreamsink"),
    ],
)
def test_a_name_of_another_kind_or_of_code_finds_nothing(kind: catalog.Kind, name: str) -> None:
    assert catalog.find(kind, name) is None


def test_a_connector_is_a_sink_or_a_source() -> None:
    sink, source = catalog.connector("FileStreamSink"), catalog.connector("FileStreamSource")
    assert sink is not None
    assert source is not None
    assert (catalog.is_sink(sink), catalog.is_sink(source)) == (True, False)
    assert catalog.connector("MaskField") is None


@pytest.mark.parametrize(
    ("name", "bare"), [("A$Key", "A"), ("A$Value", "A"), ("A", "A"), ("A$Other", "A$Other"), ("A$Value$Key", "A")]
)
def test_a_side_is_no_part_of_a_transforms_name(name: str, bare: str) -> None:
    assert catalog.without_side(name) == bare


@pytest.mark.parametrize(
    ("kind", "least"), [("sink", 4), ("source", 3), ("transformation", 18), ("predicate", 3), ("converter", 9)]
)
def test_ours_are_all_in_the_index_by_the_names_that_their_classes_say(kind: catalog.Kind, least: int) -> None:
    found = catalog.installed(kind)
    assert len(found) >= least
    assert list(found) == list(folders.plugins(kind)), "bring the index up to date: python -m ferryman.docs.reference"
    assert [entry.names for entry in catalog.entries(kind)] == [catalog.names(plugin) for plugin in found]
    assert len(set(found)) == len(found)
    assert all(issubclass(plugin, catalog.ROOTS[kind]) and plugin is not catalog.ROOTS[kind] for plugin in found)


def test_the_version_is_that_of_the_distribution_a_plugin_came_with() -> None:
    sink = catalog.connector("FileStreamSink")
    assert sink is not None
    assert catalog.version(sink)[0].isdigit()
    assert catalog.version(type("Nobodys", (), {"__module__": "nobodys.module"})) == "undefined"


class Gull(Sink[Any]):
    """A third party's sink with a Java name."""

    classes = ("com.birds.GullSinkConnector", "com.old.GullConnector")


class OtherGull(Sink[Any]):
    """Another one's of the same simple name."""

    classes = ("com.other.GullSinkConnector",)


class Tern(Transform[Any]):
    """A third party's transform without one."""


Installed = Callable[..., None]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    """Installs third parties' plugins: entry points of every group."""

    def install(*plugins: object) -> None:
        def load(plugin: object) -> object:
            if isinstance(plugin, Exception):
                raise plugin
            return plugin

        def point(group: str, plugin: object) -> SimpleNamespace:
            return SimpleNamespace(
                group=group,
                name=getattr(plugin, "__name__", "puffin"),
                package="birds",
                version="7.1",
                module=__name__,
                attribute=getattr(plugin, "__name__", "PuffinSink"),
                load=lambda: load(plugin),
            )

        monkeypatch.setattr(others, "points", lambda group: [point(group, plugin) for plugin in plugins])
        catalog.forget()

    yield install
    monkeypatch.undo()
    catalog.forget()


def test_a_third_partys_plugin_is_known_by_all_its_names(installed: Installed) -> None:
    installed(Gull, Tern)
    for name in ("com.birds.GullSinkConnector", "com.old.GullConnector", "GullSinkConnector", "GullSink", "Gull"):
        assert catalog.find("sink", name) is Gull, name
    assert catalog.find("transformation", "Tern$Key") is Tern
    assert catalog.installed("sink")[-1] is Gull
    assert Gull not in catalog.installed("source")


def test_the_version_of_a_third_partys_plugin_is_that_of_its_distribution(installed: Installed) -> None:
    installed(Gull)
    entry = catalog.connector_entry("Gull")
    assert entry is not None
    assert catalog.version(entry) == catalog.version(Gull) == "7.1"


def test_names_are_javas_or_a_plugins_own_where_java_has_none() -> None:
    assert catalog.names(Gull) == Gull.classes
    assert catalog.names(Tern) == ("Tern",)


def test_an_alias_that_two_could_mean_means_neither_but_full_names_still_do(installed: Installed) -> None:
    installed(Gull, OtherGull)
    assert catalog.find("sink", "GullSink") is None
    assert catalog.find("sink", "GullSinkConnector") is None
    assert catalog.find("sink", "com.birds.GullSinkConnector") is Gull
    assert catalog.find("sink", "com.other.GullSinkConnector") is OtherGull
    assert catalog.find("sink", "Gull") is Gull


def test_a_plugin_that_cannot_be_loaded_or_is_none_is_left_out(
    installed: Installed, caplog: pytest.LogCaptureFixture
) -> None:
    installed(ImportError("no birds here"), "a text", object, Gull)
    assert catalog.find("sink", "Gull") is Gull
    assert len(caplog.messages) >= 1
    assert "cannot be loaded and is left out" in caplog.messages[0]


@pytest.mark.parametrize("name", ["puffin", "PuffinSink", "PuffinSinkConnector", "com.birds.PuffinSinkConnector"])
def test_a_plugin_that_cannot_be_loaded_is_refused_with_the_reason_by_whatever_name(
    installed: Installed, name: str
) -> None:
    installed(ImportError("no birds here"), Gull)
    assert catalog.find("sink", name) is None
    assert catalog.absence(("sink", "source"), name) == f"Class {name} cannot be loaded: ImportError: no birds here"
    assert catalog.absence(["sink"], "Albatross") == "Class Albatross could not be found."
    assert catalog.import_error(["sink"], "Gull") is None


def test_one_of_ours_whose_library_is_missing_is_refused_with_the_reason(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed()
    monkeypatch.setitem(sys.modules, "boto3", None)
    for module in [module for module in sys.modules if module.startswith("ferryman.connectors.s3")]:
        monkeypatch.delitem(sys.modules, module)
    assert catalog.connector("S3Sink") is None
    assert "S3Sink cannot be loaded: ModuleNotFoundError: import of boto3" in catalog.absence(["sink"], "S3Sink")
    assert catalog.connector("FileStreamSink") is not None


def test_what_others_have_looked_up_is_not_looked_up_again(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed()
    monkeypatch.setattr(others, "points", lambda group: pytest.fail("it imports what nobody has named"))
    catalog.resolve("com.birds.GullSinkConnector", Entry("sink", __name__, "Gull"))
    catalog.resolve("Tern$Key", Entry("transformation", __name__, "Tern"))
    assert catalog.connector("com.birds.GullSinkConnector").__name__ == "Gull"  # type: ignore[union-attr]
    assert catalog.find("transformation", "Tern$Key").__name__ == "Tern"  # type: ignore[union-attr]


def test_a_name_is_never_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "antigravity", None)
    for kind in catalog.ROOTS:
        assert catalog.find(kind, "antigravity.fly") is None
    assert catalog.connector("tests.plugins.test_catalog.Gull") is None


@pytest.mark.parametrize(
    ("given", "task"),
    [
        ("FileStreamSource", "org.apache.kafka.connect.file.FileStreamSourceTask"),
        ("org.apache.kafka.connect.file.FileStreamSinkConnector", "org.apache.kafka.connect.file.FileStreamSinkTask"),
        ("io.confluent.connect.s3.S3SinkConnector", "io.confluent.connect.s3.S3SinkTask"),
        ("AivenKafkaConnectS3Sink", "io.aiven.kafka.connect.s3.S3SinkTask"),
        ("DatagenConnector", "io.confluent.kafka.connect.datagen.DatagenTask"),
        ("EmailSink", "EmailSinkConnector"),
    ],
)
def test_a_task_has_the_class_that_it_has_on_the_jvm(given: str, task: str) -> None:
    assert catalog.task_class(catalog.connector(given) or type, given) == task


@pytest.mark.parametrize(
    ("kind", "given", "name"),
    [
        ("transformation", "Cast$Key", "org.apache.kafka.connect.transforms.Cast$Key"),
        ("converter", "Simple", "org.apache.kafka.connect.storage.SimpleHeaderConverter"),
        ("converter", "io.confluent.connect.avro.AvroConverter", "io.confluent.connect.avro.AvroConverter"),
        ("sink", "EmailSink", "EmailSinkConnector"),
    ],
)
def test_a_plugin_has_a_full_name_however_it_is_called(kind: catalog.Kind, given: str, name: str) -> None:
    assert catalog.full_name(catalog.find(kind, given) or type, given) == name


def test_what_is_installed_is_read_once_for_all_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    whole: Any = vars(others)["entry_points"]

    def noted(**given: str) -> Any:
        read.append(given)
        return whole(**given)

    monkeypatch.setattr(others, "entry_points", noted)
    found = others.points("console_scripts", "pytest11", "nobody.has.any")
    assert {each.group for each in found} == {"console_scripts", "pytest11"}
    assert read == [{}]


class HerringGull(Gull):
    """A third party's sink that is made of another one's."""


def test_a_class_does_not_take_the_names_of_the_one_that_it_derives_from(installed: Installed) -> None:
    installed(Gull, HerringGull)
    assert catalog.find("sink", "com.birds.GullSinkConnector") is Gull
    assert catalog.find("sink", "HerringGull") is HerringGull
    assert catalog.names(HerringGull) == ("HerringGull",)
    assert catalog.task_class(HerringGull, "HerringGull") == "HerringGull"


def test_a_name_that_several_plugins_have_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = tuple(Entry("sink", module, "Auk", ("Auk",)) for module in ("great", "little"))
    monkeypatch.setattr(catalog, "entries", lambda kind: entries if kind == "sink" else ())
    assert list(catalog.doubles()) == [
        "Auk is the name of several plugins: great:Auk, little:Auk; configs get the last one"
    ]


@pytest.mark.parametrize("value", ["a.b:C", "a.b : C", "a.b:C [extra]", "a.b: C.D [x, y]"])
def test_an_entry_point_may_have_blanks_and_extras(value: str) -> None:
    point = Point("ferryman.connectors", "c", value)
    assert (point.module, point.attribute) == ("a.b", "C.D" if "D" in value else "C")


@pytest.mark.parametrize("value", ["a.b", "a.b:", "", ":C", "a b"])
def test_an_entry_point_that_names_no_class_is_left_out_with_a_line(
    value: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert [each.point for each in others.examined([Point("ferryman.connectors", "c", value)]).broken] == ["c"]
    assert "is left out" in caplog.messages[0]


def test_a_plugin_in_the_group_of_another_kind_is_refused_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    point = Point("ferryman.connectors", "tern", f"{__name__}:Tern", "birds", "7.1")
    (broken,) = others.examined([point]).broken
    why = "Tern is no Sink or Source, and the group ferryman.connectors is for these"
    assert broken.reason == why
    assert caplog.messages == [f"the plugin tern of birds cannot be loaded and is left out: {why}"]
