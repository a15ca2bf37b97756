# A standalone worker in a container, set up by CONNECT_* variables: docker build --tag ferryman:0.1.0 .
# The base image exists for amd64 and arm64, and so does a wheel of every locked dependency: nothing is compiled.
# The digest (of the index of both, as `docker buildx imagetools inspect` shows it) decides; the tag is for readers.
ARG BASE=python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements.lock requirements-runtime.lock ./
# setuptools builds Ferryman's own wheel; it is locked among the development tools and stays out of the image.
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements.lock > build.lock \
    && python -m pip install --quiet --require-hashes --only-binary :all: -r build.lock \
    && python -m venv --without-pip /opt/ferryman \
    && python -m pip --python /opt/ferryman/bin/python install --quiet \
        --require-hashes --only-binary :all: -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY ferryman ferryman
COPY connectors connectors
COPY transforms transforms
COPY configs configs
COPY schemas schemas
RUN python -m pip wheel --quiet --no-build-isolation --no-deps --wheel-dir dist . \
    && python -m pip --python /opt/ferryman/bin/python install --quiet --no-index --no-deps dist/*.whl

FROM ${BASE}
LABEL org.opencontainers.image.title="Ferryman" \
    org.opencontainers.image.description="Kafka Connect configs in Python" \
    org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 ferryman \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin ferryman \
    && install --directory --owner 10001 --group 10001 /data
COPY --from=build /opt/ferryman /opt/ferryman
COPY configs/image.properties /etc/ferryman/worker.properties
ENV PATH=/opt/ferryman/bin:$PATH PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /data
EXPOSE 8083
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-I", "-c", "\
import http.client, os, sys; \
port = os.environ.get('CONNECT_REST_PORT') or os.environ.get('REST_PORT') or 8083; \
connection = http.client.HTTPConnection('127.0.0.1', int(port), timeout=4); \
connection.request('GET', '/health'); \
sys.exit(connection.getresponse().status != 200)"]
ENTRYPOINT ["ferryman", "standalone", "/etc/ferryman/worker.properties"]
