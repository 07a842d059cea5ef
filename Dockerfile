# syntax=docker/dockerfile:1
# Floorwire in a container: docs/deploy.md. The compiler stays in the first stage.
FROM python:3.13-slim AS build
# The compiler's version does not matter: it is not in the image that runs.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/floorwire
WORKDIR /src
COPY requirements.txt ./
RUN /opt/floorwire/bin/pip install --no-cache-dir --require-hashes --requirement requirements.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY src src
RUN /opt/floorwire/bin/pip install --no-cache-dir --no-deps . \
 && /opt/floorwire/bin/pip uninstall --yes pip

FROM python:3.13-slim
# /data has what survives a restart, /keys what compose.yaml hands to Prometheus.
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin floorwire \
 && install -d -o floorwire -g floorwire -m 0700 /data \
 && install -d -o floorwire -g floorwire -m 0755 /keys
COPY --from=build /opt/floorwire /opt/floorwire
# It listens on every address of the container, so it needs keys, and TLS or a proxy: the server says so if they lack.
ENV PATH=/opt/floorwire/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    FLOORWIRE_HOST=0.0.0.0 \
    FLOORWIRE_PORT=8000 \
    FLOORWIRE_DATA=/data
USER 10001
VOLUME /data
EXPOSE 8000
# Without TLS here: where the server itself does TLS, give another health check.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['FLOORWIRE_PORT'] + '/health', timeout=2)"]
ENTRYPOINT ["floorwire"]
CMD ["serve"]
