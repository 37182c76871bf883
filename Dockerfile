# The exporter, and in the same image the simulator, for the profile `demo` of docker-compose.yml.
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY .ci/constraints.txt .ci/
RUN python -m venv /opt/trading-exporter \
    && pip install --constraint .ci/constraints.txt hatchling
COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
COPY simulator simulator
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && for wheel in /wheel/*.whl; do \
        /opt/trading-exporter/bin/pip install --constraint .ci/constraints.txt "$wheel[caches,ccxt,hummingbot,nautilus,sms]" || exit 1; done

FROM python:3.13-slim
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="trading-exporter" \
      org.opencontainers.image.description="Prometheus exporter for trading bots and market makers" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/trading-exporter /opt/trading-exporter
# Where a journal with a relative path is, and a volume belongs.
RUN mkdir /var/lib/trading-exporter && chown 10001:10001 /var/lib/trading-exporter
WORKDIR /var/lib/trading-exporter
ENV PATH=/opt/trading-exporter/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
EXPOSE 9850
# The answer is an error status, and urlopen fails, only when a part of the exporter itself has failed.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9850/health', timeout=4)"]
ENTRYPOINT ["trading-exporter"]
CMD ["run", "--config", "/etc/trading-exporter/exporter.yml"]
