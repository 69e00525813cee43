# Earshot in one image. Build: docker build -t earshot .
# A machine without a GPU saves several gigabytes with PyTorch's own CPU builds: --build-arg PIP_EXTRA_INDEX_URL=…
# (the address stands on PyTorch's installation page).

FROM python:3.11-slim AS build

ARG PIP_EXTRA_INDEX_URL=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /src
RUN python -m venv /opt/earshot
# The libraries first: this layer is rebuilt only when a version changes.
COPY constraints.txt ./
RUN /opt/earshot/bin/pip install "torch==2.13.0" -c constraints.txt
COPY . .
# resemblyzer without what it asks for: only its weights and its network are used, which need torch alone.
RUN /opt/earshot/bin/pip install . -c constraints.txt \
 && /opt/earshot/bin/pip install --no-deps resemblyzer -c constraints.txt


FROM python:3.11-slim

# libgomp1: the OpenMP runtime that faiss and CTranslate2 share.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 earshot \
 && useradd --system --uid 10001 --gid 10001 --home-dir /data --shell /usr/sbin/nologin earshot \
 && install -d -o 10001 -g 10001 /data

COPY --from=build /opt/earshot /opt/earshot

ENV PATH=/opt/earshot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    EARSHOT_DATA_DIR=/data \
    HF_HOME=/data/models

USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]

ENTRYPOINT ["earshot"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
