# The whole service on one machine, as `make run` starts it: the API on port 8000, the emulated AWS on 4566.
#
#   docker build -t wharf .
#   docker run --init --stop-timeout 60 -p 127.0.0.1:8000:8000 -p 127.0.0.1:4566:4566 -v wharf:/data wharf
#
# Presigned URLs begin with PUBLIC_S3_URL, by default http://127.0.0.1:4566. Set it if clients reach port 4566
# under another name. Publish the ports on this machine only: the service does not check who its callers are.

FROM python:3.13-slim AS environment
WORKDIR /build
COPY requirements/local.txt ./
RUN python -m venv /opt/wharf \
 && /opt/wharf/bin/python -m pip install --no-cache-dir --no-deps --require-hashes -r local.txt \
 && /opt/wharf/bin/python -m pip check
RUN mkdir /data

FROM python:3.13-slim
COPY --from=environment /opt/wharf /opt/wharf
# A new volume gets the owner that its folder has in the image.
COPY --from=environment --chown=10001:10001 /data /data
WORKDIR /srv/wharf
COPY template.yaml ./
COPY app ./app
USER 10001:10001
ENV HOME=/data
VOLUME /data
EXPOSE 8000 4566
HEALTHCHECK --start-period=60s --interval=10s \
  CMD ["/opt/wharf/bin/python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["/opt/wharf/bin/python", "-m", "app.local", "--host", "0.0.0.0", "--data-dir", "/data"]
