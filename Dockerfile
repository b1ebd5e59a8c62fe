# One image for the gateway, the fanout worker and the command line:
#
#   docker build -t fanwire .                  servers: `python -m gateway`, `python -m fanout`
#   docker build -t fanwire-demo --target demo .    the same with the demo's page and producer
#
# It runs as a numbered user, so that Kubernetes can see that it is not root, and writes nothing:
# its root may be read-only. Which of the two servers a container is, its command says; hence the
# health checks stand in docker-compose.yml and in k8s/, and not here.
#
# Python 3.11 is the version that every test runs on.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG NODE_IMAGE=node:22-bookworm-slim

# ---- the demo's page, which no server image holds -----------------------------------------
FROM ${NODE_IMAGE} AS page
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY frontend/ ./
RUN npm run demo -- --logLevel warn

# ---- the libraries and the programs, compiled ----------------------------------------------
FROM ${PYTHON_IMAGE} AS build
WORKDIR /app
RUN python -m venv --without-pip /opt/venv
# The libraries come first: their layer stays while only our sources change. Editable, since the
# wheel would hold `fanwire` alone; it records the path /app and no file of it.
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN python -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile \
      --disable-pip-version-check --constraint constraints.txt --editable '.[server]'
COPY fanwire/ fanwire/
COPY shared/ shared/
COPY fanout/ fanout/
COPY gateway/ gateway/
COPY demo/ demo/
# Bytecode that is trusted without a look at the source's time: a read-only root could not renew
# it, and a build that sets all times to one would make every start compile everything.
RUN python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib /app

# ---- what runs --------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS runtime
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
USER 10001:10001
# Clients reach 8000; 8001 and 8002 are for probes, metrics and operators.
EXPOSE 8000 8001 8002
# In a container loopback is nobody's: the addresses must be set to be reached from outside.
ENV GATEWAY_HOST=0.0.0.0 \
    GATEWAY_INTERNAL_HOST=0.0.0.0 \
    FANOUT_INTERNAL_HOST=0.0.0.0
CMD ["python", "-m", "gateway"]

FROM runtime AS demo
COPY --from=page /src/frontend/demo/dist frontend/demo/dist
CMD ["python", "-m", "demo", "--page", "frontend/demo/dist"]

# Last, and so what a build without --target makes.
FROM runtime AS server
